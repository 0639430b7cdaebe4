"""A flag that a stopping worker sets for all of its pool processes: they hand back images not begun yet."""

import mmap

# Anonymous shared memory, created before the pool forks and shared by its processes. A multiprocessing.Event would
# need a lock, which a process killed at the wrong moment never releases.
_flag = mmap.mmap(-1, 1)


def begin_draining() -> None:
    """Set the flag. Called in the worker's main process when it receives the signal to stop."""
    _flag[0] = 1


def draining() -> bool:
    return _flag[0] == 1
