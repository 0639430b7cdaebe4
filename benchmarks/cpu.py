"""CPU time of processes, read from /proc. The difference of two readings is the cost of the work between them.

Used by the benchmarks that measure a server from outside.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.support.processes.process_tree import descendants

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(*pids: int) -> float:
    """User and system time of the processes, their running descendants, and their reaped children."""
    seconds = 0.0
    for one in {found for pid in pids for found in (pid, *descendants(pid))}:
        with suppress(
            FileNotFoundError, ProcessLookupError
        ):  # it exited meanwhile: its time is counted with the reaped children of its parent
            own, reaped = _times(one)
            seconds += own + reaped
    return seconds


def reaped_cpu_seconds(pid: int) -> float:
    """User and system time of the reaped children of a process."""
    return _times(pid)[1]


def _times(pid: int) -> tuple[float, float]:
    """CPU seconds of the process itself and of its reaped children: utime, stime, cutime and cstime of proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, children_user, children_system = map(int, fields[11:15])
    return (user + system) / _TICKS, (children_user + children_system) / _TICKS
