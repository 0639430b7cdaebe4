"""A site whose database and storage the tests take away, and the fixtures of the app's tests."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.images.conftest import empty_storage, queue_messages, stored_keys
from tests.requests.room import Room
from tests.servers import Postgres, postgres, redis_server
from tests.site.running import RunningSite, running_site

__all__ = ["empty_storage", "queue_messages", "stored_keys"]

# Room for the site's files, and soon filled.
STORAGE_BYTES = 48 * 2**20


@pytest.fixture(scope="session")
def database() -> Iterator[Postgres]:
    """A PostgreSQL of its own: stopping it stops no other test."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def site(database: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A whole site on that PostgreSQL. A repeat takes a dead request over after three seconds."""
    with small_folder(tmp_path_factory.mktemp("requests-site")) as folder, redis_server() as redis:
        settings = {
            "DATABASE_URL": database.url,
            "REDIS_URL": redis.url,
            "SECRET_KEY": "for tests only",
            "IDEMPOTENCY_LEASE_SECONDS": "3",
            # What a fault leaves claimed is final soon.
            "RENDER_SECONDS": "10",
            "LEASE_SECONDS": "12",
            "SWEEP_SECONDS": "1",
        }
        with running_site(folder, settings) as running:
            yield running


@pytest.fixture
def room(site: RunningSite) -> Iterator[Room]:
    """The site's storage, to be filled; empty again afterwards."""
    room = Room(site)
    try:
        yield room
    finally:
        room.give_back()


@contextmanager
def small_folder(folder: Path) -> Iterator[Path]:
    """The folder as a file system of its own where that is allowed, else as it is."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={STORAGE_BYTES}", "tmpfs", str(folder)]
    mounted = os.getuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield folder
    finally:
        if mounted:
            # Lazily: a process that has just been killed may still hold a file.
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
