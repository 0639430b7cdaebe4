"""One child process: start, terminate, kill with its process group, and exit together with its parent.

Must not import Django: Celery's pool processes call `die_with_parent`. Must not decide when a process starts or stops:
the supervisor does.
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
# With one of these, programs write colours also into a file.
FORCED_COLOURS = ("FORCE_COLOR", "CLICOLOR_FORCE", "PYTHON_COLORS")
# Loaded at import, because loading a library between fork and exec is not safe.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signal_number: int, parent_pid: int | None = None) -> None:
    """Ask the kernel to send this process `signal_number` when the thread that started it ends. Linux only.

    With `parent_pid`, the signal is also sent if that parent has exited already. Children of this process do not
    inherit the setting.
    """
    if _LIBC is None:
        return
    if _LIBC.prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if parent_pid is not None and os.getppid() != parent_pid:
        os.kill(os.getpid(), signal_number)


def _always() -> bool:
    return True


def _unknown() -> str:
    return ""


@dataclass(frozen=True)
class ChildSpec:
    """How to run a child process.

    `log` None: the process writes to the terminal. `runs_once`: the process must exit with code 0 before the next one
    starts, and is not restarted. `grace_seconds`: the time between SIGTERM and SIGKILL when the process is stopped.
    `why_not_ready`: what the running process lacks, or an empty string. `reloads`: the process is restarted when the
    code changes, and an exit with an error is not retried before the next change.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    log: Path | None
    grace_seconds: float
    is_ready: Callable[[], bool] = _always
    why_not_ready: Callable[[], str] = _unknown
    runs_once: bool = False
    reloads: bool = False


class Child:
    """The process of a ChildSpec: not started, running or exited. `start` can be called again after an exit."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process in its own session, so that Ctrl+C in the terminal reaches only the supervisor."""
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
        """The exit code; negative if a signal killed the process. None while it runs and before the first start."""
        return None if self._process is None else self._process.poll()

    def terminate(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def kill_process_group(self) -> None:
        """Kill the processes that the exited process left running, such as the pool of a killed worker."""
        if self._process is not None and self._process.poll() is not None:
            # The process group has the pid of the process. The process is forgotten here, so that no second call kills
            # a group: the kernel may give the pid to another process.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None

    def _environment(self) -> dict[str, str]:
        """The environment of the process. Only a terminal gets colours."""
        if self.spec.log is None and sys.stdout.isatty():
            return dict(self.spec.environment)
        plain = {name: value for name, value in self.spec.environment.items() if name not in FORCED_COLOURS}
        return {**plain, "NO_COLOR": "1"}

    def _launch(self, log: IO[bytes] | None) -> None:
        parent_pid = os.getpid()
        self._process = subprocess.Popen(
            self.spec.command,
            cwd=self.spec.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=None if log is None else subprocess.STDOUT,
            start_new_session=True,
            # preexec_fn is safe here: the supervisor has one thread.
            preexec_fn=lambda: die_with_parent(signal.SIGKILL, parent_pid),
        )


def describe_exit(exit_code: int) -> str:
    """How a process ended, for a message: "ended with exit code 1", "was killed by SIGKILL"."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"
