"""Every service of the stack is restarted in turn while a batch of 224 images is uploaded and processed."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.support.images.pictures import noise_jpeg
from tests.support.live.listener import listening
from tests.support.processes.process_tree import eventually
from tests.support.stack.sender import Sender
from tests.support.stack.stack import Stack

# Two requests for each of the thirteen instances, and two when all is over.
_REQUESTS, _IMAGES_EACH = 28, 8
_IMAGES = _REQUESTS * _IMAGES_EACH
# Services that clients notice come first, while most of the batch is still to be sent.
_ROLL = ("web", "live", "worker", "bulk", "sweeper", "beat", "pgbouncer", "redis", "db", "nginx")


@pytest.mark.timeout(400)
def test_nothing_is_lost_and_nobody_is_troubled_while_every_service_is_restarted(stack: Stack) -> None:
    sender = Sender(stack, noise_jpeg(), requests=_REQUESTS, images=_IMAGES_EACH)
    with listening(stack.websocket_url) as listener:
        sender.start()
        seconds: dict[str, float] = {}
        for service in _ROLL:
            for one in stack.of(service):
                # One request during the stop of the instance, one while it is down.
                sender.go_on()
                started = time.monotonic()
                stack.stop(one.name)
                seconds[one.name] = round(time.monotonic() - started, 1)
                sender.go_on()
                stack.start(one.name)
        sender.finish()
        assert sender.complaints == []
        assert eventually(lambda: statuses(stack, sender.batch) == {"completed": _IMAGES}, 90), statuses(
            stack, sender.batch
        )
        assert thumbnails(stack, sender.batch) == 3 * _IMAGES
        ids = image_ids(stack, sender.batch)
        told = eventually(lambda: all(listener.newest.get(id_, (0, ""))[1] == "completed" for id_ in ids), 30)
        assert told, {id_: listener.newest.get(id_) for id_ in ids}
    let_the_spool_grow_old(stack)
    assert eventually(lambda: not any(spool(stack).iterdir()), 30), list(spool(stack).iterdir())
    stored = {str(path.relative_to(media(stack))) for path in media(stack).rglob("uploads/originals/*/*/*")}
    assert stored == {
        key for (key,) in rows(stack, "SELECT key FROM images_image WHERE collection = %s", "uploads")
    }
    print(f"\nstopped within {seconds}\nretried {dict(sender.retries)}")


def spool(stack: Stack) -> Path:
    return stack.places.path("data/incoming")


def media(stack: Stack) -> Path:
    return stack.places.path("data/media")


def let_the_spool_grow_old(stack: Stack) -> None:
    """A request that was cut off at its commit leaves its files to the sweeper, which need not wait an hour here."""
    long_ago = time.time() - 2 * 3600
    for path in spool(stack).iterdir():
        with suppress(FileNotFoundError):  # the sweeper was there first
            os.utime(path, (long_ago, long_ago))


def rows(stack: Stack, statement: str, value: str) -> list[tuple[Any, ...]]:
    """From PostgreSQL, not from the app."""
    socket_folder = stack.folder / "cluster"
    port = stack.places.ports["5432"]
    connection = psycopg2.connect(host=str(socket_folder), port=port, user="admin", dbname="image-db")
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, (value,))
            return list(cursor.fetchall())
    finally:
        connection.close()


def statuses(stack: Stack, batch: str) -> dict[Any, Any]:
    return dict(
        rows(stack, "SELECT status, count(*) FROM images_image WHERE batch_id = %s GROUP BY 1", batch)
    )


def thumbnails(stack: Stack, batch: str) -> Any:
    joined = (
        "SELECT count(*) FROM images_thumbnail t JOIN images_image i ON i.id = t.image_id WHERE batch_id = %s"
    )
    return rows(stack, joined, batch)[0][0]


def image_ids(stack: Stack, batch: str) -> list[str]:
    found = rows(stack, "SELECT id::text FROM images_image WHERE batch_id = %s", batch)
    return [str(id_) for (id_,) in found]
