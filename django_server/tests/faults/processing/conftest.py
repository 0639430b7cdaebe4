"""One site for all faults, on servers of its own, and the table of the results."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.fixtures.app import empty_storage, queue_messages, stored_keys
from tests.support.servers import postgres, redis_server
from tests.support.sites.fault_site import IMAGES, SETTINGS, FaultSite
from tests.support.sites.fault_table import ALL_FAULTS, Row, report, table
from tests.support.sites.running_site import running_site

__all__ = ["empty_storage", "queue_messages", "stored_keys"]

_ROWS = pytest.StashKey[list[Row]]()


@pytest.fixture(scope="package")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSite]:
    """The site in which the tests cause their faults, one after the other."""
    with postgres() as database, redis_server() as redis:
        settings = {**SETTINGS, "DATABASE_URL": database.url, "REDIS_URL": redis.url}
        with running_site(tmp_path_factory.mktemp("faults"), settings) as site:
            yield FaultSite(site, database, redis)


@pytest.fixture
def record(pytestconfig: pytest.Config) -> Callable[[Row], None]:
    """A function that adds a row to the table."""
    return pytestconfig.stash.setdefault(_ROWS, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash.get(_ROWS, [])
    if rows:
        terminalreporter.section(f"faults, each in the middle of {IMAGES} images")
        terminalreporter.write_line(table(rows))
    if len(rows) >= ALL_FAULTS:
        results = config.rootpath.parent / "benchmarks" / "results" / "faults.md"
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_text(report(rows, IMAGES, SETTINGS))
