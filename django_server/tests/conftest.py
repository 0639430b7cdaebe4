"""What tests of several folders need."""

import pytest

from tests.support.corpus.entry import CorpusEntry
from tests.support.corpus.make_corpus import build
from tests.support.servers.run_servers import RunServers


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[CorpusEntry]:
    """Every odd, broken and hostile file, with what must become of it. Made once a run."""
    return build(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(run_postgres: RunServers, run_redis: RunServers) -> None:
    """Called by pytest-django before it makes the test database: starts the servers that the app's rows need.

    Redis too, because code that writes rows publishes to the queue and to the channel layer.
    """
