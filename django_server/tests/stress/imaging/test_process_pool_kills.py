"""The pool of decoding processes under random SIGKILLs. It starts some hundred processes, hence no unit test."""

import multiprocessing
import random
import threading
import time
from collections.abc import Iterator

import pytest

from imaging.process_pool import ProcessDied, ProcessPool


@pytest.fixture
def processes() -> Iterator[ProcessPool]:
    processes = ProcessPool(2, multiprocessing.get_context("forkserver"))
    yield processes
    processes.stop()


def test_every_call_ends_while_processes_are_killed_at_random(processes: ProcessPool) -> None:
    chance = random.Random(4)
    ended: list[bool] = []

    def call() -> None:
        for _ in range(100):
            try:
                processes.run(30, time.sleep, 0.002)
                ended.append(True)
            except ProcessDied:
                ended.append(False)

    callers = [threading.Thread(target=call, daemon=True) for _ in range(4)]
    for caller in callers:
        caller.start()
    deadline = time.monotonic() + 250
    enough = 0
    while any(caller.is_alive() for caller in callers):
        assert time.monotonic() < deadline, f"{len(ended)} of 400 calls ended"
        victims = multiprocessing.active_children()
        if len(ended) > enough and victims:
            enough += chance.randint(1, 10)
            time.sleep(chance.random() * 0.005)
            chance.choice(victims).kill()
        time.sleep(0.001)
    assert len(ended) == 400
    assert {True, False} == set(ended)
