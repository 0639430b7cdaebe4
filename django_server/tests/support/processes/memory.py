"""Resident memory of a process, current and peak, read from /proc."""

from pathlib import Path
from typing import Literal


def resident_mb(pid: int, field: Literal["VmRSS", "VmHWM"]) -> float:
    """Megabytes: current (VmRSS), or the peak since `reset_peak` (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def reset_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")
