"""Publish committed changes of images to subscribers, and mark them in the rows as published.

A change that could not be published is not marked, so the sweeper publishes it later (`recovery`). The columns
`announced_version` and `announced` contain the mark.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import orjson
from django.db import DatabaseError

from images.live import events
from images.models import RemovedImage
from images.observability.timings import stage
from images.processing import transitions
from images.processing.transitions import Deletion
from images.queries import by_ids
from images.row_values import ImageValues, ListedImage
from images.serializers import Addresses, notification_json, removed_json
from images.sql_statement_guard import no_statements

logger = logging.getLogger(__name__)


def publish_images(images: Sequence[ListedImage]) -> None:
    """Publish the state of these images."""
    if not images:
        return
    with no_statements():
        at = Addresses.now()
        changes = [
            events.Event(image["id"], image["batch_id"], _text(notification_json(image, thumbnails, at)))
            for image, thumbnails in images
        ]
    with stage("publish"):
        published = events.publish(changes)
    if published:
        with _only_logging_database_errors():
            transitions.mark_published({image["id"]: image["version"] for image, _ in images})


def publish_unfinished(images: Sequence[ImageValues]) -> None:
    """Publish the state of images that are not completed and therefore have no thumbnails."""
    publish_images([(image, {}) for image in images])


def publish_current_state(ids: Sequence[UUID]) -> None:
    """Read these images from the database and publish their state. Reading takes two SQL statements."""
    if ids:
        publish_images(by_ids(ids))


def publish_deletions(deletions: Sequence[Deletion]) -> None:
    """Publish that these images are deleted."""
    if not deletions:
        return
    changes = [
        events.Event(
            deletion.image_id,
            deletion.batch_id,
            _text(removed_json(deletion.image_id, deletion.version)),
            kind="removed",
        )
        for deletion in deletions
    ]
    if events.publish(changes):
        with _only_logging_database_errors():
            RemovedImage.objects.filter(image_id__in=[deletion.image_id for deletion in deletions]).update(
                announced=True
            )


@contextmanager
def _only_logging_database_errors() -> Iterator[None]:
    # The change itself is committed and published. If it can't be marked, the sweeper publishes it a second time.
    try:
        yield
    except DatabaseError as error:
        logger.warning("Published changes could not be marked as published: %s", type(error).__name__)


def _text(frame: dict[str, object]) -> str:
    return orjson.dumps(frame).decode()
