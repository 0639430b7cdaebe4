"""What tests of several folders need."""

import pytest

from tests.support.corpus.entry import CorpusEntry
from tests.support.corpus.make_corpus import build


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[CorpusEntry]:
    """Every odd, broken and hostile file, with what must become of it. Made once a run."""
    return build(tmp_path_factory.mktemp("corpus"))
