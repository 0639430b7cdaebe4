"""Fixtures of the app's tests: queue messages, and an empty storage."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings
from redis import Redis

from filestore.local import LocalStore
from tests.images.messages import arguments_of


@pytest.fixture(autouse=True)
def empty_storage(tmp_path: Path, settings: Any) -> None:
    """Each test has a data folder of its own."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.INCOMING_ROOT = tmp_path / "incoming"
    settings.LOCKS_ROOT = tmp_path / "locks"
    settings.INCOMING_ROOT.mkdir()


@pytest.fixture
def stored_keys() -> Any:
    """A function that lists the keys in storage."""
    return lambda: [file.key for file in LocalStore(Path(settings.MEDIA_ROOT)).list()]


@pytest.fixture
def queue_messages() -> Iterator[Any]:
    """A function that gives the arguments of the messages in the queue, oldest first. Empties it before and after."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.flushdb()

        def messages() -> list[Any]:
            raw = redis.lrange(settings.CELERY_TASK_DEFAULT_QUEUE, 0, -1)
            return [arguments_of(orjson.loads(message)) for message in reversed(raw)]

        yield messages
        redis.flushdb()
