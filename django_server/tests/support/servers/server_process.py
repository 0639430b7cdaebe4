"""Base class of servers that a test may stop, kill, freeze and start again."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

from tests.support.servers.leash import leashed
from tests.support.servers.start_log import record_start

START_SECONDS = 30.0
STOP_SECONDS = 15.0


class ServerProcess(ABC):
    """Starts the command, waits until the server responds, and stops it without leaving a process."""

    # The signal for an orderly stop that does not wait for clients.
    stop_signal: signal.Signals = signal.SIGTERM
    # The signal when the test run is killed; it has to work on a frozen server too.
    orphan_signal: signal.Signals = signal.SIGKILL

    def __init__(self, command: list[str], folder: Path, account: str | None = None) -> None:
        """`account`: the user to run as, None for the current one. The log is `folder`/server.log."""
        self._command = command
        self._folder = folder
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The value for DATABASE_URL or REDIS_URL."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server responds to a client."""

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("The server is not running.")
        return self._process.pid

    def start(self) -> None:
        record_start(self._command[0])
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                # The server exits with a test run that is killed.
                leashed(self._command, self.orphan_signal, self._account or ""),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log_text = (self._folder / "server.log").read_text(errors="replace")
                self.kill()
                raise RuntimeError(f"{self._command[0]} did not start:\n{log_text}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server; kill it after 15 s."""
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Send SIGKILL to all its processes, as in a power failure."""
        if self._process is not None:
            self._signal_all(signal.SIGKILL)
            self._process.wait(STOP_SECONDS)
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Freeze the server: the kernel accepts connections, but nothing responds until `thaw`."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in self._all_pids():
            with suppress(ProcessLookupError):  # a helper of the server that ended meanwhile
                os.kill(pid, number)

    def _all_pids(self) -> list[int]:
        """The pid of the server first, then those of its descendants."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [self.pid, *map(int, children.read_text().split())] if children.exists() else [self.pid]
