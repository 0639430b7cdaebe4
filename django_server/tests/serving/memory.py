"""What a process holds resident, now and at most: read from /proc."""

from pathlib import Path
from typing import Literal


def resident_mb(pid: int, field: Literal["VmRSS", "VmHWM"]) -> float:
    """Now (VmRSS), or at most since `reset_peak` (VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def reset_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")
