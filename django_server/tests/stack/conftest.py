"""The stack for the tests of this folder, started once and stopped at the end."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack.stack import Stack

# The content of .env. Small limits and short leases keep the tests short.
VARIABLES = {
    "LEASE_SECONDS": "5",
    "RENDER_SECONDS": "3",
    "SWEEP_SECONDS": "1",
    "WORKER_PROCESSES": "1",
    "UPLOADS_PER_SECOND": "1",
    "UPLOADS_BURST": "40",
    "COLD_THUMBNAILS_PER_SECOND": "1",
    "COLD_THUMBNAILS_BURST": "20",
    "MEDIA_ORIGIN": "https://pictures.example.org",
    "DJANGO_SUPERUSER_USERNAME": "first",
    "DJANGO_SUPERUSER_PASSWORD": "for tests only",
    "DJANGO_SUPERUSER_EMAIL": "first@example.org",
}


@pytest.fixture(scope="package")
def stack() -> Iterator[Stack]:
    """The whole stack, healthy."""
    with tempfile.TemporaryDirectory(prefix="stack-") as folder:
        running = Stack(Path(folder), VARIABLES)
        try:
            running.up()
            yield running
        finally:
            running.down()
