"""A pytest plugin (`-p tests.support.environment`): servers and a data folder of the test run's own, and markers.

The addresses of PostgreSQL and Redis must be in the environment before Django reads its settings, which pytest-django
makes it do before any conftest is read. The servers themselves start with the first test that uses them.
With TEST_DATABASE=sqlite in the environment the database is the embedded default's.
With pytest-xdist each worker process has servers and folders of its own.
"""

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.support.servers.run_servers import RunServers

# The folder below tests/ is the marker. pyproject.toml says what each means.
FOLDER_MARKERS = ("unit", "service", "browser", "stack", "faults", "stress", "docker")

# Files and folders whose tests measure time or load the machine: they get the marker `alone` besides.
ALONE = (
    "service/api/test_long_poll.py",
    "service/benchmarks/test_load_tool.py",
    "service/live",
    "service/processing/test_concurrent_workers.py",
    "service/serve/test_supervised_children.py",
    "stress",
)

# Of what a developer may have set, this would change what tests see.
_NOT_FOR_TESTS = (
    *("HOST", "PORT", "PUBLIC_URL", "ALLOWED_HOSTS", "DEBUG", "API_TOKEN", "KEY_PREFIX"),
    *("MEDIA_ROOT", "INCOMING_ROOT", "S3_BUCKET", "S3_ENDPOINT", "THUMBNAIL_SIZES", "THUMBNAIL_QUALITY"),
)
_TESTS = Path(__file__).resolve().parents[1]
_SERVERS = pytest.StashKey[RunServers]()
# Connections that a test tried to make to the run's Redis before anything asked for it.
_EARLY_CONNECTIONS: list[str] = []


# Speed is no part of any verdict: a busy machine must not fail a search.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Choose the addresses of the servers and name them in the environment; the servers stop with the run."""
    resources = ExitStack()
    early_config.add_cleanup(resources.close)
    folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="file-upload-tests-")))
    servers = RunServers(folder)
    resources.callback(servers.stop)
    early_config.stash[_SERVERS] = servers
    os.environ |= {
        "DATA_DIR": str(folder / "data"),
        "REDIS_URL": servers.redis_url,
        "SECRET_KEY": "for tests only",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "QUERY_GUARD": "true",
    }
    os.environ.pop("DATABASE_URL", None)
    if os.environ.get("TEST_DATABASE") != "sqlite":
        os.environ["DATABASE_URL"] = servers.database_url
    for name in _NOT_FOR_TESTS:
        os.environ.pop(name, None)
    watch_connections(servers, _EARLY_CONNECTIONS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with its folder. Under pytest-xdist the tests of one file stay together, but for unit tests."""
    if missing := [place for place in ALONE if not (_TESTS / place).exists()]:
        raise pytest.UsageError(f"ALONE in {__file__} names {', '.join(missing)}, which do not exist.")
    for item in items:
        path = item.path.relative_to(_TESTS)
        folder = path.parts[0]
        if folder not in FOLDER_MARKERS:
            raise pytest.UsageError(f"{item.path} is in none of the folders {', '.join(FOLDER_MARKERS)}.")
        item.add_marker(folder)
        if any(path.is_relative_to(place) for place in ALONE):
            item.add_marker("alone")
        if folder != "unit" and config.pluginmanager.hasplugin("xdist"):
            item.add_marker(pytest.mark.xdist_group("stack" if folder == "stack" else str(path)))


@pytest.fixture(scope="session")
def run_postgres(pytestconfig: pytest.Config) -> RunServers:
    """The run's PostgreSQL, started unless the run is on SQLite."""
    servers = pytestconfig.stash[_SERVERS]
    if "DATABASE_URL" in os.environ:
        servers.start_postgres()
    return servers


@pytest.fixture(scope="session")
def run_redis(pytestconfig: pytest.Config) -> RunServers:
    """The run's Redis, started."""
    servers = pytestconfig.stash[_SERVERS]
    servers.start_redis()
    return servers


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that used the run's Redis without asking for it: publishing would have failed unnoticed."""
    yield
    if _EARLY_CONNECTIONS:
        _EARLY_CONNECTIONS.clear()
        pytest.fail(f"{item.nodeid} connected to the run's Redis. It has to use the fixture run_redis.")


def watch_connections(servers: RunServers, seen: list[str]) -> None:
    """Add to `seen` every connection to the run's Redis while it does not run. The hook cannot be taken away again."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and not servers.redis_runs and arguments[1] == servers.redis_socket:
            seen.append(servers.redis_socket)

    sys.addaudithook(watch)
