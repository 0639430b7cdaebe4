"""A flag that a stopping worker raises for all of its pool processes: work not begun yet is handed back."""

import mmap

# Anonymous shared memory: made before the pool forks, seen by all of its processes. An Event would need a lock,
# which a process killed at the wrong moment keeps for ever.
_flag = mmap.mmap(-1, 1)


def begin_draining() -> None:
    """Called in the worker's main process when it is told to stop."""
    _flag[0] = 1


def draining() -> bool:
    return _flag[0] == 1
