"""ProcessPool that decode in their caller's stead, so that a time limit can kill them: a thread could not be.

Each has a pipe of its own, and no lock in common with another: one that is killed, at whatever moment, costs the
image it had in hand, and nothing else. (A pool with one queue for all can lose a task that was handed over but not
yet told of, or wait for a lock whose holder is gone.)
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

_START_SECONDS = 60.0  # on a machine that is busy with all else


class ProcessDied(Exception):
    """The process that worked crashed, or was killed by the system or by somebody."""


class ProcessTimedOut(ProcessDied):
    """It worked past its time limit, and was killed."""


class PoolStopped(ProcessDied):
    """All processes were stopped while it worked."""


class ProcessPool:
    """`size` processes at most, each started when it is first needed, or by `start`, and replaced when it is gone.

    Any number of threads may call `run`; as many of them as there are processes are served at once.
    """

    def __init__(self, size: int, context: BaseContext) -> None:
        self._all = [_Process(context) for _ in range(size)]
        # The last one used first: its memory is warm, and what is not needed is never started.
        self._idle: queue.LifoQueue[_Process] = queue.LifoQueue()
        for process in reversed(self._all):
            self._idle.put(process)
        self._stopped = False

    def start(self) -> None:
        """Start all of them now, before anything else is asked of them, and wait until they can work.

        Raises ProcessDied.
        """
        for process in self._all:
            process.run(_START_SECONDS, os.getpid, (), {})

    def run(self, seconds: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns, or raises, in another process. It and its values must be importable there.

        Waits for an idle process first; `seconds` begin after that. Raises ProcessTimedOut past them, ProcessDied
        when the process ends under it, PoolStopped after `stop`.
        """
        process = self._idle.get()
        try:
            if self._stopped:
                raise PoolStopped
            return process.run(seconds, function, args, kwargs)  # type: ignore[no-any-return]  # what was pickled
        except ProcessDied as failure:
            if self._stopped:
                raise PoolStopped from failure
            raise
        finally:
            self._idle.put(process)

    def stop(self) -> None:
        """End all processes, those at work too. Whoever waits for one, or comes later, gets PoolStopped."""
        self._stopped = True
        for process in self._all:
            process.kill()


class _Process:
    def __init__(self, context: BaseContext) -> None:
        self._context = context
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def run(self, seconds: float, function: Callable[..., T], args: Any, kwargs: Any) -> Any:
        try:
            pipe = self._started()
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
        """The next run starts another one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _started(self) -> Connection:
        if self._pipe is not None:
            # Idle it has nothing to say: what can be read is its end, known here before it is known anywhere.
            if not self._pipe.poll():
                return self._pipe
            self.kill()
            self._pipe.close()
            self._pipe = None
        ours, theirs = self._context.Pipe()
        # daemon: when this process exits the other is ended, not waited for.
        process: BaseProcess = self._context.Process(target=_run_calls, args=(theirs,), daemon=True)  # type: ignore[attr-defined]
        try:
            process.start()
        finally:
            theirs.close()
        self._pipe, self._process = ours, process
        return ours


def _run_calls(pipe: Connection) -> None:
    """What each process does: one call after the other, until the one it works for is gone."""
    exit_with_parent()
    while True:
        try:
            function, args, kwargs = pipe.recv()
        except EOFError:
            return
        try:
            answer = True, function(*args, **kwargs)
        except Exception as failure:
            failure.add_note(traceback.format_exc())
            answer = False, failure
        pipe.send(answer)


def exit_with_parent() -> None:
    """For a process that works for another: to end with that one, however it ends, and not before."""
    # Ctrl+C at a terminal goes to it too; when it ends is its parent's say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_when_ready, args=(parent.sentinel,), daemon=True).start()


def _exit_when_ready(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
