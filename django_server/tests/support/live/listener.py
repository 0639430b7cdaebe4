"""A WebSocket client that follows the contract: it merges by job and highest version, reconnects, subscribes again."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

_POLL_SECONDS = 0.2


class Listener:
    """`newest`: the highest version received for each job, and its status; "removed" for deleted images."""

    def __init__(self, url: str) -> None:
        self.newest: dict[str, tuple[int, str]] = {}
        self.connected = threading.Event()
        self._url = url
        self._cursor: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._url, proxy=None, open_timeout=10, close_timeout=1) as socket:
                    self._subscribe_again(socket)
                    self._listen(socket)
            except (OSError, ConnectionClosed, InvalidHandshake):  # a time-out is an OSError
                time.sleep(_POLL_SECONDS)

    def _listen(self, socket: ClientConnection) -> None:
        while not self._stopping.is_set():
            try:
                frame = json.loads(socket.recv(timeout=_POLL_SECONDS))
            except TimeoutError:
                continue
            self._cursor = frame.get("cursor", self._cursor)
            if frame["type"] == "connected":
                self.connected.set()
            elif frame["type"] == "resync":
                self._subscribe_again(socket)
            elif "job_id" in frame and frame["version"] > self.newest.get(frame["job_id"], (0, ""))[0]:
                self.newest[frame["job_id"]] = (frame["version"], frame.get("status", "removed"))

    def _subscribe_again(self, socket: ClientConnection) -> None:
        if self._cursor is not None:
            socket.send(json.dumps({"type": "subscribe", "all": True, "since": self._cursor}))


@contextmanager
def listening(url: str) -> Iterator[Listener]:
    """A listener that is connected; stopped at the end."""
    listener = Listener(url)
    try:
        assert listener.connected.wait(30)
        yield listener
    finally:
        listener.stop()
