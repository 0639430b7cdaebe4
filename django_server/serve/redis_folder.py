"""The folder of the private Redis: made private, and freed of a Redis that outlived its site.

Called by `run.py`, which holds the lock of the data folder: whatever listens here belongs to no running site.
"""

import os
import signal
import socket
import stat
import struct
import time
from contextlib import suppress
from pathlib import Path

from serve.serve_error import ServeError

ANSWER_SECONDS = 1.0
LEFTOVER_GRACE_SECONDS = 5.0


def prepare_redis_folder(socket_file: Path) -> None:
    """Makes the socket's folder readable by this user alone, and stops a Redis left over from a killed site.

    A socket file nobody listens on stays: Redis removes it before it binds.
    Raises: ServeError when the folder belongs to someone else or the leftover can't be stopped.
    """
    _require_private_folder(socket_file.parent)
    _stop_leftover(socket_file)


def redis_answers(socket_file: Path) -> bool:
    """Whether a Redis says PONG on the socket within a second."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_SECONDS)
        client.connect(str(socket_file))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False


def leave_redis_folder(socket_file: Path) -> None:
    """Removes the socket and, when it is the short one outside the data folder, the folder made for it."""
    socket_file.unlink(missing_ok=True)
    with suppress(OSError):  # inside the data folder others may have put files; they stay
        socket_file.parent.rmdir()


def _require_private_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    # A predictable name in a shared folder: someone else may have made it, or a link, to listen in.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ServeError(f"{folder} belongs to someone else: remove it, or set DATA_DIR to a shorter path.")
    folder.chmod(0o700)


def _stop_leftover(socket_file: Path) -> None:
    pid = _listener_pid(socket_file)
    if pid is None:
        return
    for request in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, request)
        deadline = time.monotonic() + LEFTOVER_GRACE_SECONDS
        while time.monotonic() < deadline:
            if _listener_pid(socket_file) is None:
                return
            time.sleep(0.05)
    raise ServeError(f"A Redis left over from an earlier run (process {pid}) could not be stopped.")


def _listener_pid(socket_file: Path) -> int | None:
    """The process listening on the socket, told by the kernel, so that a frozen one is found too."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(ANSWER_SECONDS)
            client.connect(str(socket_file))
            pid = _peer_pid(client)
    except OSError:
        return None
    # 0 is a process outside this container; a signal to it would go to our own group.
    if pid < 2:
        raise ServeError(f"A Redis that this user can't stop is listening on {socket_file}.")
    return pid


def _peer_pid(client: socket.socket) -> int:
    if hasattr(socket, "SO_PEERCRED"):
        return int(struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])
    # Not Linux: Redis itself knows.
    client.sendall(b"INFO server\r\n")
    for line in client.recv(65536).splitlines():
        if line.startswith(b"process_id:"):
            return int(line.partition(b":")[2])
    return 0
