"""The process of one container, run natively: start, health check, and stop as by Compose."""

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
    """`health` empty: the instance is healthy while it runs. Its output goes to `log`."""

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
        # A tmpfs, which is deleted with the container.
        shutil.rmtree(self._tmpfs, ignore_errors=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                # The instance and its descendants exit with a test run that is killed.
                leashed(self._command, self._stop_signal, self._account),
                cwd=self._folder,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def await_health(self) -> None:
        """Returns when it is healthy. AssertionError with its log after a minute, or when it has exited."""
        deadline = time.monotonic() + START_SECONDS
        while not self.is_healthy():
            assert self.is_running, f"{self.name} has exited:\n{self.log_end}"
            assert time.monotonic() < deadline, f"{self.name} is not healthy:\n{self.log_end}"
            time.sleep(0.1)

    def is_healthy(self) -> bool:
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
        """The exit code, once it has exited by itself."""
        assert self._process is not None
        return self._process.wait(seconds)

    def ask_to_stop(self) -> None:
        """Send the stop signal of the service. AssertionError if it has exited already."""
        assert self._process is not None
        assert self.is_running, f"{self.name} had already exited:\n{self.log_end}"
        self._process.send_signal(self._stop_signal)

    def await_stop(self) -> None:
        """Returns when it has exited. AssertionError after its grace period; then it is killed, as by Compose."""
        assert self._process is not None
        try:
            self._process.wait(self._grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} was killed after its grace:\n{self.log_end}") from None

    def kill(self) -> None:
        """Kill all processes of the instance, as in a killed container."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def log_end(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:]
