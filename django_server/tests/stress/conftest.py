"""The site under stress: web, worker and sweeper on PostgreSQL and Redis, with short patience, started once a run."""

import resource
from collections.abc import Iterator

import pytest

from tests.servers import redis_server
from tests.site.conftest import database_named
from tests.site.running import RunningSite, running_site

# A thousand connections of this process's own, and some for its files.
OPEN_FILES = 4096


@pytest.fixture(scope="session")
def stressed_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A synchronous upload waits three seconds for its slot here, and the sweeper comes every second."""
    with redis_server() as redis:
        settings = {
            "DATABASE_URL": database_named("stressed"),
            "REDIS_URL": redis.url,
            "SECRET_KEY": "for tests only",
            "RENDER_SLOT_WAIT_SECONDS": "3",
            "SWEEP_SECONDS": "1",
        }
        with running_site(tmp_path_factory.mktemp("stressed-site"), settings) as site:
            yield site


@pytest.fixture
def many_open_files() -> Iterator[None]:
    """Room for a thousand sockets in this process, where the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
