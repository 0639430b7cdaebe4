"""A client that sends one batch in many requests while servers stop and start.

Like the page, it repeats each request with its Idempotency-Key until it is accepted. A response that is neither a
success nor an error with Retry-After is recorded as a complaint.
"""

import threading
import time
import uuid
from collections import Counter

import httpx

from images.error_codes import ERRORS
from tests.support.stack.asking import client
from tests.support.stack.stack import Stack

_AGAIN = frozenset(code for code, kind in ERRORS.items() if kind.retry_after_seconds is not None)
_PAUSE_SECONDS = 0.3
_GIVE_UP_SECONDS = 90.0


class Sender:
    """Sends `requests` requests of `images` images each, one per `go_on`, and requests the list after each."""

    def __init__(self, stack: Stack, picture: bytes, *, requests: int, images: int) -> None:
        self.batch = str(uuid.uuid4())
        self.retries: Counter[str] = Counter()
        self.complaints: list[str] = []
        self._stack = stack
        self._picture = picture
        self._plan = (requests, images)
        self._allowed = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def go_on(self, requests: int = 1) -> None:
        """Allow `requests` more requests. The test decides when, so that the machine's speed does not matter."""
        self._allowed.release(requests)

    def finish(self) -> None:
        """Returns when all requests are sent."""
        self.go_on(self._plan[0])
        self._thread.join()

    def _run(self) -> None:
        requests, images = self._plan
        # Servers exit with the thread that started them; this one starts none.
        with client(self._stack) as asking:
            for number in range(requests):
                self._allowed.acquire()
                key = str(uuid.uuid4())
                files = [("images", (f"{number}-{n}.jpg", self._picture)) for n in range(images)]
                self._until_accepted(asking, files, key)
                self._look(asking)

    def _until_accepted(
        self, asking: httpx.Client, files: list[tuple[str, tuple[str, bytes]]], key: str
    ) -> None:
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = asking.post(
                    "/api/async/batch/upload",
                    params={"batch": self.batch},
                    files=files,
                    headers={"Idempotency-Key": key},
                )
            except httpx.TransportError as error:
                self.retries[type(error).__name__] += 1
            else:
                if answer.status_code == 202:
                    return
                if not self._may_repeat(answer):
                    return
            time.sleep(_PAUSE_SECONDS)
        self.complaints.append("An upload was not accepted for a minute and a half.")

    def _look(self, asking: httpx.Client) -> None:
        try:
            answer = asking.get("/api/list")
        except httpx.TransportError as error:
            self.retries[type(error).__name__] += 1
        else:
            if answer.status_code != 200:
                self._may_repeat(answer)

    def _may_repeat(self, answer: httpx.Response) -> bool:
        """Whether the response asks for a retry; if not, it is recorded as a complaint."""
        try:
            code = answer.json()["code"]
        except (ValueError, KeyError):
            code = ""
        if code in _AGAIN and "retry-after" in answer.headers:
            self.retries[code] += 1
            return True
        self.complaints.append(f"{answer.status_code} {answer.text[:500]}")
        return False
