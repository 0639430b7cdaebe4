"""`config.draining_uvicorn` loses no request at a stop, seen as nginx sees it: a refused connection is no loss."""

import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from tests.support.processes.process_tree import eventually
from tests.support.servers import free_port
from tests.support.servers.leash import leashed
from tests.support.sites.started_site import SERVER_ROOT

_CLIENTS = 12
_REQUEST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\nhi"
_APP = """
import asyncio

async def app(scope, receive, send):
    await receive()
    await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""


def ask(port: int) -> str:
    """What becomes of one upload: `completed`, `refused` before it was sent, or `lost`."""
    with socket.socket() as connection:
        connection.settimeout(30)
        try:
            connection.connect(("127.0.0.1", port))
        except ConnectionRefusedError:
            return "refused"
        try:
            connection.sendall(_REQUEST)
            return "completed" if connection.recv(100).startswith(b"HTTP/1.1 200") else "lost"
        except OSError:
            return "lost"


def test_a_stop_completes_every_request_whose_connection_was_accepted(tmp_path: Path) -> None:
    (tmp_path / "slow_app.py").write_text(_APP)
    port = free_port()
    options = ["--app-dir", str(tmp_path), "--host", "127.0.0.1", "--port", str(port), "--workers", "2"]
    command = [sys.executable, "-m", "config.draining_uvicorn", "slow_app:app", *options, "--lifespan", "off"]
    process = subprocess.Popen(leashed([*command, "--log-level", "warning"], signal.SIGTERM), cwd=SERVER_ROOT)
    assert eventually(lambda: ask(port) == "completed", 60)
    seen: Counter[str] = Counter()
    ended = threading.Event()

    def send() -> None:
        while not ended.is_set():
            outcome = ask(port)
            seen[outcome] += 1
            if outcome == "refused":
                ended.wait(0.02)

    threads = [threading.Thread(target=send) for _ in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        assert eventually(lambda: seen["completed"] > 3 * _CLIENTS, 60)
        process.terminate()
        assert process.wait(60) == 0
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        process.kill()
    assert seen["lost"] == 0
    assert seen["refused"] > 0
