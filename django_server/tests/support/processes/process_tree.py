"""Running processes and their descendants, read from /proc."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether the process runs. A zombie does not."""
    return any(found == pid for found, _ in _living())


def descendants(pid: int) -> set[int]:
    """The running descendants of `pid`."""
    children: dict[int, list[int]] = {}
    for found, parent in _living():
        children.setdefault(parent, []).append(found)
    waiting, seen = [pid], set[int]()
    while waiting:
        for child in children.get(waiting.pop(), []):
            seen.add(child)
            waiting.append(child)
    return seen


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def eventually(happened: Callable[[], bool], within_seconds: float = 20.0) -> bool:
    """Whether `happened()` becomes true within the time."""
    deadline = time.monotonic() + within_seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def all_end(pids: set[int], within_seconds: float = 20.0) -> bool:
    """Whether all processes have exited within the time."""
    return eventually(lambda: not any(is_alive(pid) for pid in pids), within_seconds)


def _living() -> Iterator[tuple[int, int]]:
    """(pid, parent pid) of each running process."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            # "pid (name) state parent ...": the name may contain any character, also a parenthesis.
            state, parent, *_ = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            yield int(name), int(parent)
