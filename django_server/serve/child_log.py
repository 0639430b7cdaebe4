"""The log file of one child, DATA_DIR/logs/<name>.log, and the one before it.

Begun by `run.py`, quoted by the supervisor, written by the child alone.
"""

import os
from contextlib import suppress
from pathlib import Path

# Enough for a traceback's end: 64 KB are some 800 lines.
TAIL_BYTES = 64 * 1024


def begin_log(path: Path) -> None:
    """Starts an empty log; what an earlier run wrote is kept once, as <name>.log.1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        os.replace(path, path.with_name(f"{path.name}.1"))
    path.touch()


def last_lines(path: Path, count: int) -> list[str]:
    """At most the last `count` lines that are not blank; fewer when they don't fit into 64 KB."""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - TAIL_BYTES))
        lines = log.read().decode(errors="replace").splitlines()
    return [line for line in lines if line.strip()][-count:]
