"""Clients that upload and read all the time, and record everything that is not a success."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.support.images.pictures import jpeg
from tests.support.processes.process_tree import eventually

_CLIENTS = 2


class Traffic:
    """`successes`: the number of 2xx responses. `failures`: all others, by status and code, or by error."""

    def __init__(self) -> None:
        self.successes = 0
        self.failures: Counter[str] = Counter()
        self._lock = threading.Lock()

    def goes_on(self) -> bool:
        """Whether ten more requests succeed within half a minute."""
        wanted = self.successes + 10
        return eventually(lambda: self.successes >= wanted, 30)

    def record(self, failure: str | None) -> None:
        with self._lock:
            if failure is None:
                self.successes += 1
            else:
                self.failures[failure] += 1


@contextmanager
def traffic(url: str) -> Iterator[Traffic]:
    """Requests of several clients during the block: uploads in all modes, and lists."""
    recorded, ended = Traffic(), threading.Event()
    picture = jpeg()

    def send() -> None:
        # A connection for each request, so that nginx chooses a container each time as for many visitors.
        with httpx.Client(base_url=url, timeout=60, headers={"Connection": "close"}) as client:
            while not ended.is_set():
                for method, path, field in (
                    ("POST", "/api/upload", "image"),
                    ("POST", "/api/async/batch/upload", "images"),
                    ("GET", "/api/list", ""),
                    ("POST", "/api/async/upload", "images"),
                ):
                    recorded.record(
                        _failure(client, method, path, {field: ("a.jpg", picture)} if field else None)
                    )

    threads = [threading.Thread(target=send) for _ in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield recorded
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _failure(
    client: httpx.Client, method: str, path: str, files: dict[str, tuple[str, bytes]] | None
) -> str | None:
    try:
        answer = client.request(method, path, files=files, headers={"Idempotency-Key": str(uuid.uuid4())})
    except httpx.TransportError as error:
        return f"{method} {path} {type(error).__name__}"
    return None if answer.is_success else f"{method} {path} {answer.status_code} {answer.text[:200]}"
