"""A flag that a stopping worker sets for its pool processes.

They then put the images whose processing has not started back into the queue.
"""

import mmap

# Anonymous shared memory: it is created before the pool forks, so all pool processes share it. A multiprocessing.Event
# is not used because it has a lock, and a process that is killed while it holds the lock never releases it.
_flag = mmap.mmap(-1, 1)


def set_worker_stopping() -> None:
    """Set the flag. Called in the worker's main process when it receives the signal to stop."""
    _flag[0] = 1


def worker_is_stopping() -> bool:
    """Whether the worker is stopping."""
    return _flag[0] == 1
