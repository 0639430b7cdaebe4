"""`make dev`: worker, beat and sweeper start again when the code changes, also after an error in the code."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from serve.child_process import Child, ChildSpec
from serve.code_changes import CodeChanges
from serve.restart_policy import RestartPolicy
from serve.stop_signals import StopSignals
from serve.supervisor import Supervisor
from tests.support.processes.process_tree import eventually

# The child imports this module, prints its value and waits.
_CHILD = """
import sys, time
sys.path.insert(0, sys.argv[1])
import code_of_the_site
print(code_of_the_site.VALUE, flush=True)
time.sleep(60)
"""


class Until(StopSignals):
    """Requests the stop of `watch` when a condition holds, or after a time."""

    def __init__(self) -> None:
        super().__init__()
        self._holds: Callable[[], bool] = lambda: False
        self._deadline = float("inf")

    def wait_for(self, holds: Callable[[], bool], seconds: float = 20.0) -> None:
        self._holds, self._deadline = holds, time.monotonic() + seconds

    @property
    def stop_requested(self) -> bool:
        return self._holds() or time.monotonic() > self._deadline


class Developed:
    """A process that reloads and one that does not, with a folder of code."""

    def __init__(self, folder: Path) -> None:
        self.code = folder / "site" / "package" / "code_of_the_site.py"
        self.code.parent.mkdir(parents=True)
        self.write("VALUE = 'first'")
        self.lines: list[str] = []
        self.logs = {name: folder / f"{name}.log" for name in ("worker", "web")}
        specs = [
            ChildSpec(
                name=name,
                command=(sys.executable, "-B", "-c", _CHILD, str(self.code.parent)),
                folder=folder,
                environment=os.environ,
                log=self.logs[name],
                grace_seconds=5,
                reloads=name == "worker",
            )
            for name in ("web", "worker")
        ]
        self.until = Until()
        changes = CodeChanges(folder / "site").found
        order = ["worker", "web"]
        self.supervisor = Supervisor(specs, order, self.until, self.lines.append, RestartPolicy(), changes)

    def write(self, text: str) -> None:
        self.code.write_text(text + "\n")

    def log(self, name: str) -> str:
        return self.logs[name].read_text()

    def watch_until(self, holds: Callable[[], bool]) -> None:
        self.until.wait_for(holds)
        self.supervisor.watch()
        assert holds(), (self.lines, self.log("worker"))


@pytest.fixture
def developed(tmp_path: Path) -> Developed:
    return Developed(tmp_path)


def test_a_change_restarts_the_processes_that_reload(developed: Developed) -> None:
    developed.supervisor.start_all()
    try:
        developed.watch_until(lambda: developed.log("worker") == developed.log("web") == "first\n")
        developed.write("VALUE = 'second'")
        developed.watch_until(lambda: developed.log("worker") == "first\nsecond\n")
        assert developed.lines == ["The code has changed: restarting worker."]
        assert developed.log("web") == "first\n"
    finally:
        developed.supervisor.stop_all()


def test_an_error_in_the_code_waits_for_the_next_change(developed: Developed) -> None:
    developed.supervisor.start_all()
    try:
        developed.watch_until(lambda: developed.log("worker") == "first\n")
        developed.write("VALUE = ")
        developed.watch_until(lambda: len(developed.lines) == 2)
        assert developed.lines[1] == (
            "worker ended with exit code 1; it starts again when the code changes. "
            f"Its log: {developed.logs['worker']}"
        )
        developed.write("VALUE = 'mended'")
        developed.watch_until(lambda: developed.log("worker").endswith("mended\n"))
        assert developed.log("worker").count("SyntaxError") == 1
    finally:
        developed.supervisor.stop_all()


@pytest.mark.parametrize("with_log", [True, False])
def test_no_file_gets_colours(with_log: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "child.log"
    child = Child(
        ChildSpec(
            name="child",
            # Vite asks in this way.
            command=("sh", "-c", 'echo "${FORCE_COLOR:-not forced} ${NO_COLOR:-coloured}"'),
            folder=tmp_path,
            environment={**os.environ, "FORCE_COLOR": "1"},
            log=log if with_log else None,
            grace_seconds=1,
        )
    )
    child.start()
    assert eventually(lambda: not child.is_running)
    assert (log.read_text() if with_log else capfd.readouterr().out) == "not forced 1\n"


def test_tests_and_files_that_are_not_python_are_no_code_of_the_site(tmp_path: Path) -> None:
    for folder in ("tests", "images"):
        (tmp_path / folder).mkdir()
    changes = CodeChanges(tmp_path)
    (tmp_path / "tests" / "test_a.py").touch()
    (tmp_path / "images" / "notes.txt").touch()
    assert not changes.found()
    (tmp_path / "images" / "new.py").touch()
    time.sleep(1.1)
    assert changes.found()
    assert not changes.found()
