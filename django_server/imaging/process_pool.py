"""A pool of processes that decode images. Unlike a thread, a process that exceeds its time limit can be killed.

Each process has its own pipe and shares no lock with another process. If a process is killed, only the call that it was
running fails. Pools with one shared queue (pebble, concurrent.futures) can lose a task between hand-over and
acknowledgement, or block on a lock whose holder was killed: docs/adr/0006-own-process-pool.md. Used by the app's
`rendering/decode_pool.py` and by pregen.
"""

import multiprocessing
import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_START_SECONDS = 60.0  # on a loaded machine, a start can take this long


class ProcessDied(Exception):
    """The worker process crashed or was killed."""


class ProcessTimedOut(ProcessDied):
    """The call exceeded its time limit, and its process was killed."""


class PoolStopped(ProcessDied):
    """The pool was stopped before the call finished."""


class ProcessPool:
    """Up to `size` processes. Each one starts at its first call or in `start`, and is replaced after it has died.

    Thread-safe. `size` calls can run at the same time; further calls wait for an idle process.
    """

    def __init__(self, size: int, context: BaseContext) -> None:
        self._all = [_Process(context) for _ in range(size)]
        # Last in, first out: the process used last has already allocated its memory, and a process that is not needed
        # never starts.
        self._idle: queue.LifoQueue[_Process] = queue.LifoQueue()
        for process in reversed(self._all):
            self._idle.put(process)
        self._stopped = False

    def start(self) -> None:
        """Start every process and wait until each has answered a call. Must be called before the first `run`.

        Raises ProcessDied.
        """
        for process in self._all:
            process.run(_START_SECONDS, os.getpid, (), {})

    def run(self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` in another process and return its result or raise its exception.

        The function, its arguments and its result must be picklable. `seconds`: the time limit of the call, without the
        wait for an idle process. Raises ProcessTimedOut after that time, ProcessDied if the process ends during the
        call, PoolStopped after `stop`.
        """
        process = self._idle.get()
        try:
            if self._stopped:
                raise PoolStopped
            return process.run(seconds, function, args, kwargs)  # type: ignore[no-any-return]  # unpickled
        except ProcessDied as failure:
            if self._stopped:
                raise PoolStopped from failure
            raise
        finally:
            self._idle.put(process)

    def stop(self) -> None:
        """Kill all processes. Calls that are running, waiting or made later raise PoolStopped."""
        self._stopped = True
        for process in self._all:
            process.kill()


class _Process:
    """One process of the pool and its pipe."""

    def __init__(self, context: BaseContext) -> None:
        self._context = context
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def run(self, seconds: float, function: Callable[..., T], args: Any, kwargs: Any) -> Any:
        try:
            pipe = self._pipe_of_running_process()
            pipe.send((function, args, kwargs))
            if not pipe.poll(seconds):
                self.kill()
                raise ProcessTimedOut
            returned, value = pipe.recv()
        except (EOFError, OSError) as failure:
            self.kill()
            raise ProcessDied from failure
        if not returned:
            raise value
        return value

    def kill(self) -> None:
        """Kill the process. The next `run` starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _pipe_of_running_process(self) -> Connection:
        """The pipe of the process, which is started first if it is not running."""
        if self._pipe is not None:
            # An idle process sends nothing, so a readable pipe means that the process has ended.
            if not self._pipe.poll():
                return self._pipe
            self.kill()
            self._pipe.close()
            self._pipe = None
        ours, theirs = self._context.Pipe()
        # daemon: Python kills the process when this process exits. For a process without this flag it would wait.
        process: BaseProcess = self._context.Process(target=_run_calls, args=(theirs,), daemon=True)  # type: ignore[attr-defined]
        try:
            process.start()
        finally:
            theirs.close()
        self._pipe, self._process = ours, process
        return ours


def _run_calls(pipe: Connection) -> None:
    """The main loop of a pool process: receive a call, run it and send the result, until the parent closes the pipe."""
    exit_with_parent()
    while True:
        try:
            function, args, kwargs = pipe.recv()
        except EOFError:
            return
        try:
            result = True, function(*args, **kwargs)
        except Exception as failure:
            failure.add_note(traceback.format_exc())
            result = False, failure
        pipe.send(result)


def exit_with_parent() -> None:
    """Make this process ignore Ctrl+C, and exit when its parent ends for any reason."""
    # A terminal sends Ctrl+C to the whole process group, but the parent decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_when_ready, args=(parent.sentinel,), daemon=True).start()


def _exit_when_ready(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
