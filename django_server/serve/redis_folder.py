"""The folder of the private Redis: created when the site starts, deleted when it stops.

Only this user can open the folder. Called by `run.py`, which holds the lock of the data folder. A killed run may leave
its Redis running. This module does not look for it: on Linux the kernel kills Redis with its parent
(`child_process.die_with_parent`). On other systems that Redis stays idle, and nothing can connect to it, because its
socket file is deleted here.
"""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from serve.serve_error import ServeError

RESPONSE_SECONDS = 1.0


def prepare_redis_folder(socket_file: Path) -> None:
    """Create the folder of the socket, accessible to this user alone, and delete the socket of an earlier run.

    Raises: ServeError when the folder belongs to another user.
    """
    folder = socket_file.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    # In /tmp the folder's name is predictable: another user may have created it, or a link, to read the traffic.
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise ServeError(f"{folder} belongs to another user: delete it, or set DATA_DIR to a shorter path.")
    folder.chmod(0o700)
    socket_file.unlink(missing_ok=True)


def redis_responds(socket_file: Path) -> bool:
    """Whether a Redis replies PONG on the socket within a second."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(RESPONSE_SECONDS)
        client.connect(str(socket_file))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False


def delete_redis_socket(socket_file: Path) -> None:
    """Delete the socket and its folder. A folder that contains other files is not deleted."""
    socket_file.unlink(missing_ok=True)
    with suppress(OSError):
        socket_file.parent.rmdir()
