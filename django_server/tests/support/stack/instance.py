"""One container's process, run natively: started, asked whether it is well, and stopped as Compose would."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.support.servers.leash import leashed

START_SECONDS = 60.0
HEALTH_SECONDS = 25.0


class Instance:
    """`health` empty: it is well while it runs. Logs to `log`."""

    def __init__(
        self,
        name: str,
        address: str,
        command: list[str],
        environment: Mapping[str, str],
        folder: Path,
        *,
        health: list[str],
        stop_signal: signal.Signals,
        grace_seconds: float,
        log: Path,
        account: str = "",
        tmpfs: Path,
    ) -> None:
        self.name = name
        self.address = address
        self.log = log
        self._command = command
        self._environment = environment
        self._folder = folder
        self._health = health
        self._stop_signal = stop_signal
        self._grace_seconds = grace_seconds
        self._account = account
        self._tmpfs = tmpfs
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        # Memory, which ends with the container.
        shutil.rmtree(self._tmpfs, ignore_errors=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                # A test run that is killed takes its instances along, with all they started.
                leashed(self._command, self._stop_signal, self._account),
                cwd=self._folder,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def await_health(self) -> None:
        """Returns when its health check says so. AssertionError with its log past a minute, or when it has ended."""
        deadline = time.monotonic() + START_SECONDS
        while not self.is_well():
            assert self.is_running, f"{self.name} has ended:\n{self.said}"
            assert time.monotonic() < deadline, f"{self.name} is not healthy:\n{self.said}"
            time.sleep(0.1)

    def is_well(self) -> bool:
        if not self.is_running:
            return False
        if not self._health:
            return True
        checked = subprocess.run(
            self._health,
            cwd=self._folder,
            env=dict(self._environment),
            capture_output=True,
            timeout=HEALTH_SECONDS,
            check=False,
        )
        return checked.returncode == 0

    def wait(self, seconds: float) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(seconds)

    def ask_to_stop(self) -> None:
        """Compose's stop signal. AssertionError when it had ended by itself."""
        assert self._process is not None
        assert self.is_running, f"{self.name} had ended:\n{self.said}"
        self._process.send_signal(self._stop_signal)

    def await_stop(self) -> None:
        """Returns when it has ended. AssertionError when its grace is not enough; then it is killed, as by Compose."""
        assert self._process is not None
        try:
            self._process.wait(self._grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} was killed after its grace:\n{self.said}") from None

    def kill(self) -> None:
        """A container that is killed: all its processes at once."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:]
