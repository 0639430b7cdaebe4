"""The log file of one child process: DATA_DIR/logs/<name>.log, and <name>.log.1 from the previous run.

`run.py` creates it, the child process writes it, and the supervisor quotes its end.
"""

import os
from contextlib import suppress
from pathlib import Path

# 64 KB are about 800 lines: enough for the end of a traceback.
TAIL_BYTES = 64 * 1024


def start_log(path: Path) -> None:
    """Create an empty log. The log of the previous run is kept as <name>.log.1, replacing an older one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        os.replace(path, path.with_name(f"{path.name}.1"))
    path.touch()


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines that are not blank; fewer if the last 64 KB of the log have fewer."""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - TAIL_BYTES))
        lines = log.read().decode(errors="replace").splitlines()
    return [line for line in lines if line.strip()][-count:]
