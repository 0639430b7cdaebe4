"""The client's part of the contract: merge by `job_id`, keep the highest version, delete removed images.

Pure. Used by the clients of the stress tests, and checked by a property test of its own.
"""

from typing import Any

State = dict[str, tuple[int, str]]


class MergedView:
    """The images that one client knows after the frames it received, in any order."""

    def __init__(self) -> None:
        self._known: State = {}
        # Kept so that a late event does not recreate a deleted image.
        self._removed: set[str] = set()

    def take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "send_upload_notification":
                self._merge(frame)
            case "send_upload_notifications" | "snapshot":
                for image in frame["images"]:
                    self._merge(image)
            case "removed":
                self._removed.add(frame["job_id"])
                self._known.pop(frame["job_id"], None)

    def state(self) -> State:
        """job_id -> (version, status) of all known images."""
        return dict(self._known)

    def _merge(self, image: dict[str, Any]) -> None:
        job_id, state = image["job_id"], (image["version"], image["status"])
        if job_id not in self._removed and state > self._known.get(job_id, (0, "")):
            self._known[job_id] = state
