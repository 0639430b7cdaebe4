"""A site that a test starts as a process of its own: its output, its child processes, its exit code."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.processes.process_tree import all_end, command_line, descendants, eventually, is_alive
from tests.support.servers.leash import leashed
from tests.support.servers.start_log import record_start

SERVER_ROOT = Path(__file__).resolve().parents[3]
READY = "django-file-upload is ready: "
# The real site takes five seconds on two idle cores.
READY_SECONDS = 90.0


class StartedSite:
    """`output`: everything written so far to standard output and standard error."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        record_start(" ".join(command))
        self.process = subprocess.Popen(
            # The site exits with a test run that is killed.
            leashed(command, signal.SIGTERM),
            cwd=SERVER_ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return "".join(self._lines)

    @property
    def children(self) -> set[int]:
        return descendants(self.process.pid)

    def child(self, *words: str) -> int:
        """The pid of the one direct child process whose command line contains all the words."""
        (found,) = self._matching(words)
        return found

    def has_another(self, pid: int, *words: str) -> bool:
        """Whether `pid` has exited and another child process has all the words in its command line."""
        return bool(self._matching(words) - {pid}) and not is_alive(pid)

    def _matching(self, words: tuple[str, ...]) -> set[int]:
        found = set()
        for pid in self.children:
            with suppress(ProcessLookupError, FileNotFoundError):  # it exited in the meantime
                # A direct child process leads its own process group.
                if os.getpgid(pid) == pid and all(word in command_line(pid) for word in words):
                    found.add(pid)
        return found

    def says(self, text: str, within_seconds: float = READY_SECONDS) -> bool:
        """Whether the output contains the text within the time, or when the site has exited."""
        eventually(lambda: text in self.output or not self._reader.is_alive(), within_seconds)
        return text in self.output

    def end(self, number: signal.Signals = signal.SIGINT, within_seconds: float = 30.0) -> int:
        """Send the signal. Returns the exit code."""
        self.process.send_signal(number)
        return self.exit_code(within_seconds)

    def exit_code(self, within_seconds: float = 30.0) -> int:
        code = self.process.wait(within_seconds)
        self._reader.join(within_seconds)
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        self._lines.extend(iter(self.process.stdout.readline, ""))
        self.process.stdout.close()


@contextmanager
def started(command: list[str], environment: Mapping[str, str] = os.environ) -> Iterator[StartedSite]:
    """The started site. It is killed with its child processes if the test did not stop it."""
    site = StartedSite(command, environment)
    try:
        yield site
    finally:
        if site.process.poll() is None:
            left = site.children
            site.end(signal.SIGKILL)
            assert all_end(left)
        site.exit_code()
