"""The pool of decoding processes: a process killed at any moment fails one call, and no caller waits for ever."""

import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imaging.process_pool import PoolStopped, ProcessDied, ProcessPool, ProcessTimedOut
from tests.support.sites.started_site import SERVER_ROOT


@pytest.fixture
def processes() -> Iterator[ProcessPool]:
    processes = ProcessPool(2, multiprocessing.get_context("forkserver"))
    yield processes
    processes.stop()


def test_run_returns_the_result_or_raises_the_exception(processes: ProcessPool) -> None:
    assert processes.run(10, math.hypot, 3, 4) == 5
    with pytest.raises(FileNotFoundError, match="nowhere") as caught:
        processes.run(10, os.stat, "/nowhere")
    assert "in _run_calls" in caught.value.__notes__[0]


def test_a_process_past_its_time_limit_is_killed_and_replaced(processes: ProcessPool) -> None:
    slow = processes.run(10, os.getpid)
    started = time.monotonic()
    with pytest.raises(ProcessTimedOut):
        processes.run(0.2, time.sleep, 60)
    assert time.monotonic() - started < 5
    assert processes.run(10, os.getpid) != slow


def test_a_process_killed_while_idle_fails_no_call(processes: ProcessPool) -> None:
    idle = processes.run(10, os.getpid)
    os.kill(idle, signal.SIGKILL)
    _wait_until(lambda: not Path(f"/proc/{idle}").exists())
    assert processes.run(10, os.getpid) != idle


def test_a_process_killed_during_a_call_fails_that_call_only(processes: ProcessPool) -> None:
    victim = processes.run(10, os.getpid)
    with ThreadPoolExecutor(2) as callers:
        working = callers.submit(processes.run, 60, time.sleep, 30)
        other = callers.submit(processes.run, 60, time.sleep, 0.5)
        time.sleep(0.2)
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(ProcessDied):
            working.result(10)
        other.result(10)


def test_stop_ends_running_and_waiting_calls(processes: ProcessPool) -> None:
    with ThreadPoolExecutor(3) as callers:
        calls = [callers.submit(processes.run, 60, time.sleep, 30) for _ in range(3)]
        time.sleep(0.5)
        processes.stop()
        for call in calls:
            with pytest.raises(PoolStopped):
                call.result(10)
    with pytest.raises(PoolStopped):
        processes.run(10, os.getpid)


def test_pool_processes_exit_when_their_parent_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import multiprocessing, os, pathlib, sys, time\n"
            "from imaging.process_pool import ProcessPool\n"
            "processes = ProcessPool(1, multiprocessing.get_context('forkserver'))\n"
            "pid = processes.run(10, os.getpid)\n"
            "pathlib.Path(sys.argv[1]).write_text(f'{pid}.')\n"
            "processes.run(60, time.sleep, 50)\n",
            str(pid_file),
        ],
        cwd=SERVER_ROOT,
    )
    while not (pid_file.exists() and pid_file.read_text().endswith(".")):
        assert parent.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    parent.kill()
    parent.wait(10)
    ended = Path(f"/proc/{pid_file.read_text()[:-1]}/stat")
    # A zombie counts as exited: the process that would wait for it may be gone.
    _wait_until(lambda: not ended.exists() or b" Z " in ended.read_bytes())


def _wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
