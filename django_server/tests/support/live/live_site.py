"""A site for the live tests: uvicorn or daphne on a free port, and an actor that stands for the workers."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.servers import free_port
from tests.support.servers.start_log import record_start

SERVER_ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 60
SERVERS = {
    "uvicorn": [
        *("--ws", "images.live.uvicorn_protocol:LiveWebSocketProtocol"),
        *("--ws-max-size", str(2**20), "--ws-per-message-deflate", "false"),
        *("--timeout-graceful-shutdown", "20", "--lifespan", "off"),
    ],
    "daphne": ["--bind", "127.0.0.1", "--application-close-timeout", "5"],
}


class Actor:
    """`actor.create_images(count=2)` calls the function of that name in the other process."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.live.actor"],
            cwd=SERVER_ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps([name, arguments]) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

        return call

    def stop(self) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            assert self._process.wait(10) == 0


class Site:
    """One started site."""

    def __init__(
        self,
        folder: Path,
        redis_url: str,
        database_url: str | None,
        server: str,
        application: str,
        settings: str,
    ) -> None:
        self._environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if name not in ("DATABASE_URL", "SECRET_KEY")
            },
            "DJANGO_SETTINGS_MODULE": settings,
            "DATA_DIR": str(folder),
            "REDIS_URL": redis_url,
            # Clients use the address; one test uses the name.
            "ALLOWED_HOSTS": "127.0.0.1,pictures.example",
            **({"DATABASE_URL": database_url, "SECRET_KEY": "for-tests"} if database_url else {}),
        }
        self.port = free_port()
        self._command = [
            sys.executable,
            "-m",
            server,
            application,
            "--port",
            str(self.port),
            *SERVERS[server],
        ]
        self._log = folder / "web.log"
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=SERVER_ROOT,
            env=self._environment,
            check=True,
        )
        self._start()
        self.actor = Actor(self._environment)

    def _start(self) -> None:
        record_start(" ".join(self._command))
        with self._log.open("ab") as log:
            self._web = subprocess.Popen(
                self._command,
                cwd=SERVER_ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._accepts_connections():
            assert self._web.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    @property
    def log(self) -> str:
        """The log of the web process so far."""
        return self._log.read_text()

    def connect(
        self, query: str = "", path: str = "/ws/upload/", host: str = "127.0.0.1", **options: Any
    ) -> connect:
        """A WebSocket client with `host` as its Host header; to be entered with `async with`."""
        url = f"ws://{host}:{self.port}{path}{query}"
        if "sock" not in options:
            options |= {"host": "127.0.0.1", "port": self.port}
        return connect(url, proxy=None, compression=None, **options)

    def terminate(self) -> float:
        """Sends SIGTERM; returns the seconds until the web process has ended."""
        started = time.monotonic()
        self._web.terminate()
        self._web.wait(40)
        return time.monotonic() - started

    def stop(self) -> None:
        self.actor.stop()
        if self._web.poll() is None:
            self.terminate()
        assert "Traceback" not in self.log, self.log

    def _accepts_connections(self) -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def live_site(
    redis_url: str,
    database_url: str | None = None,
    server: str = "uvicorn",
    application: str = "tests.support.live.application:application",
    settings: str = "config.settings",
) -> Iterator[Site]:
    """A migrated, started site; stopped again at the end."""
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        site = Site(Path(folder), redis_url, database_url, server, application, settings)
        try:
            yield site
        finally:
            site.stop()


Frames = list[dict[str, Any]]


async def frames_of(client: ClientConnection, count: int, seconds: float = 5.0) -> Frames:
    """The next `count` frames.

    Raises: TimeoutError when fewer arrive within `seconds`.
    """
    frames: Frames = []
    async with asyncio.timeout(seconds):
        while len(frames) < count:
            frames.append(json.loads(await client.recv()))
    return frames


async def frame_of(client: ClientConnection, seconds: float = 5.0) -> dict[str, Any]:
    """The next frame."""
    return (await frames_of(client, 1, seconds))[0]


async def refusal_of(connecting: connect) -> int:
    """The HTTP status a handshake was refused with."""
    try:
        async with connecting:
            raise AssertionError("The WebSocket was accepted.")
    except InvalidStatus as refused:
        await asyncio.sleep(0.01)  # the client's transport needs an iteration of the event loop to close
        return refused.response.status_code


async def closing_code(client: ClientConnection) -> int:
    """Reads all frames and returns the server's close code; 1006 if there is none."""
    async with asyncio.timeout(15):
        try:
            while True:
                await client.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


async def send_frame(client: ClientConnection, **frame: Any) -> None:
    await client.send(json.dumps(frame))


async def frames_before_pong(client: ClientConnection) -> Frames:
    """All frames before the pong to a ping sent now: an event that is not among them was not sent."""
    await send_frame(client, type="ping")
    frames: Frames = []
    while (frame := await frame_of(client))["type"] != "pong":
        frames.append(frame)
    return frames
