"""Fails a unit test that starts a server."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from tests.support.servers.start_log import STARTED


@contextmanager
def no_server_starts() -> Iterator[None]:
    """Fail when a server or a site is started inside the block."""
    before = len(STARTED)
    yield
    if len(STARTED) > before:
        pytest.fail(f"A unit test starts no server. Started: {', '.join(STARTED[before:])}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, None, None]:
    with no_server_starts():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    with no_server_starts():
        yield
