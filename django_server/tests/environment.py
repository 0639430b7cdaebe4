"""A pytest plugin (`-p tests.environment`): PostgreSQL, Redis and a data folder of the test run's own.

With TEST_DATABASE=sqlite in the environment the database is the embedded default's.
They must be there before Django reads its settings, which pytest-django makes it do before any conftest is read.
"""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers import postgres, redis_server

# Of what a developer may have set, this would change what tests see.
_NOT_FOR_TESTS = (
    *("HOST", "PORT", "PUBLIC_URL", "ALLOWED_HOSTS", "DEBUG", "API_TOKEN", "KEY_PREFIX"),
    *("MEDIA_ROOT", "INCOMING_ROOT", "S3_BUCKET", "S3_ENDPOINT", "THUMBNAIL_SIZES", "THUMBNAIL_QUALITY"),
)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start the servers and name them in the environment; they stop with the run."""
    resources = ExitStack()
    early_config.add_cleanup(resources.close)
    folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="file-upload-tests-"))
    os.environ |= {
        "DATA_DIR": str(Path(folder) / "data"),
        "REDIS_URL": resources.enter_context(redis_server()).url,
        "SECRET_KEY": "for tests only",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "QUERY_GUARD": "true",
    }
    os.environ.pop("DATABASE_URL", None)
    if os.environ.get("TEST_DATABASE") != "sqlite":
        os.environ["DATABASE_URL"] = resources.enter_context(postgres()).url
    for name in _NOT_FOR_TESTS:
        os.environ.pop(name, None)
