"""The site under test: once on PostgreSQL and Redis, once on the embedded default, each started once a run."""

import os
from collections.abc import Iterator

import psycopg2
import pytest

from tests.servers import redis_server
from tests.site.running import RunningSite, running_site


def database_named(name: str) -> str:
    """The URL of a new, empty database on the run's PostgreSQL."""
    server = os.environ["DATABASE_URL"]
    connection = psycopg2.connect(server.replace("postgres:", "postgresql:", 1))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return server.rpartition("/")[0] + f"/{name}"


@pytest.fixture(scope="session")
def postgres_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """The site as production has it, but for nginx."""
    with redis_server() as redis:
        settings = {
            "DATABASE_URL": database_named("site"),
            "REDIS_URL": redis.url,
            "SECRET_KEY": "for tests only",
            "MAX_FILE_BYTES": str(12 * 2**20),
            "MAX_BODY_BYTES": str(600 * 2**20),
            "BODY_STALL_SECONDS": "2",
        }
        with running_site(tmp_path_factory.mktemp("postgres-site"), settings) as site:
            yield site


@pytest.fixture(scope="session")
def embedded_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """The site as `make run` starts it."""
    with running_site(tmp_path_factory.mktemp("embedded-site")) as site:
        yield site


@pytest.fixture(params=["postgres_site", "embedded_site"])
def site(request: pytest.FixtureRequest) -> RunningSite:
    """Each of the two."""
    found: RunningSite = request.getfixturevalue(request.param)
    return found
