"""One child process: how it is started, how it ends with its parent, how it is stopped with all it started.

`die_with_parent` is also called by Celery's pool processes, so nothing here may import Django.
The supervisor decides when; this module does it.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# linux/prctl.h
PR_SET_PDEATHSIG = 1
# Loaded here: between fork and exec nothing should be loaded any more.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signal_number: int, parent_pid: int | None = None) -> None:
    """Asks the kernel to send this process `signal_number` when the thread that started it ends. Linux only.

    With `parent_pid` given, a parent already gone counts too. This process's children don't inherit it.
    """
    if _LIBC is None:
        return
    if _LIBC.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if parent_pid is not None and os.getppid() != parent_pid:
        os.kill(os.getpid(), signal_number)


def _always() -> bool:
    return True


@dataclass(frozen=True)
class ChildSpec:
    """What a child is.

    `log` None: it writes to the terminal. `once`: it is to end, with exit code 0, before the next one starts.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    log: Path | None
    grace_seconds: float
    is_ready: Callable[[], bool] = _always
    once: bool = False


class Child:
    """A ChildSpec with at most one running process."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it in a session of its own: Ctrl+C in the terminal reaches only the supervisor."""
        if self.spec.log is None:
            self._launch(None)
        else:
            with self.spec.log.open("ab") as log:
                self._launch(log)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Negative: the signal that ended it. None while it runs or there is none."""
        return None if self._process is None else self._process.poll()

    def ask_to_end(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def end_what_it_left(self) -> None:
        """Kills what the ended process started and did not stop (a killed worker's pool)."""
        if self._process is not None and self._process.poll() is not None:
            # Its group bears its number. Once only: later the number may be another's.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None

    def _launch(self, log: IO[bytes] | None) -> None:
        parent_pid = os.getpid()
        self._process = subprocess.Popen(
            self.spec.command,
            cwd=self.spec.folder,
            env=dict(self.spec.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=None if log is None else subprocess.STDOUT,
            start_new_session=True,
            # Safe here: the supervisor has one thread.
            preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent_pid),
        )


def describe_end(exit_code: int) -> str:
    """How a process ended, in words: "ended with exit code 1", "was killed by SIGKILL"."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"
