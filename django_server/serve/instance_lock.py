"""The lock that prevents a second running site with the same data folder. Called by `run.py`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serve.serve_error import ServeError


@contextmanager
def instance_lock(data_dir: Path) -> Iterator[None]:
    """Hold DATA_DIR/locks/serve.lock. The kernel releases it when the process ends, also after SIGKILL.

    Raises: ServeError when another process holds it.
    """
    path = data_dir / "locks" / "serve.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Python's file descriptors close on exec, so no child process keeps the lock after this process has ended.
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise ServeError(
                f"{data_dir} is already being served (by process {holder}): stop that process, or set DATA_DIR."
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
