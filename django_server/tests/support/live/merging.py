"""What the contract asks of a client, no more: merge by `job_id`, keep the highest version, forget the removed.

Pure. Used by the clients of the stress tests, and tried by a property test of its own.
"""

from typing import Any

State = dict[str, tuple[int, str]]


class MergedView:
    """What one client knows after the frames it took, however they came."""

    def __init__(self) -> None:
        self._known: State = {}
        # Kept, so that late news does not raise what is gone.
        self._gone: set[str] = set()

    def take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "send_upload_notification":
                self._merge(frame)
            case "send_upload_notifications" | "snapshot":
                for image in frame["images"]:
                    self._merge(image)
            case "removed":
                self._gone.add(frame["job_id"])
                self._known.pop(frame["job_id"], None)

    def state(self) -> State:
        """job_id -> (version, status) of all that is there."""
        return dict(self._known)

    def _merge(self, image: dict[str, Any]) -> None:
        job_id, told = image["job_id"], (image["version"], image["status"])
        if job_id not in self._gone and told > self._known.get(job_id, (0, "")):
            self._known[job_id] = told
