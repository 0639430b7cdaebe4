"""Telling listeners what changed, after the commit; what could be told is noted, the rest the sweeper tells again."""

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
from images.query_guard import no_statements
from images.rows import ImageValues, Listed
from images.serializers import Addresses, notification_json, removed_json

logger = logging.getLogger(__name__)


def announce(listed: Sequence[Listed]) -> None:
    """Tell the state of these images."""
    if not listed:
        return
    with no_statements():
        at = Addresses.now()
        news = [
            events.News(image["id"], image["batch_id"], _text(notification_json(image, thumbnails, at)))
            for image, thumbnails in listed
        ]
    with stage("announce"):
        told = events.publish(news)
    if told:
        with _noting():
            transitions.mark_announced({image["id"]: image["version"] for image, _ in listed})


def announce_unfinished(images: Sequence[ImageValues]) -> None:
    """Tell the state of images that can have no thumbnails yet."""
    announce([(image, {}) for image in images])


def announce_ids(ids: Sequence[UUID]) -> None:
    """Tell the state these images have now. Reads it: two statements."""
    if ids:
        announce(by_ids(ids))


def announce_deletions(removed: Sequence[Deletion]) -> None:
    """Tell that these images are gone."""
    if not removed:
        return
    news = [
        events.News(
            one.image_id, one.batch_id, _text(removed_json(one.image_id, one.version)), kind="removed"
        )
        for one in removed
    ]
    if events.publish(news):
        with _noting():
            RemovedImage.objects.filter(image_id__in=[one.image_id for one in removed]).update(announced=True)


@contextmanager
def _noting() -> Iterator[None]:
    # What was told was committed before: that it can't be noted fails nobody, the sweeper tells it a second time.
    try:
        yield
    except DatabaseError as error:
        logger.warning("What was told could not be noted: %s", type(error).__name__)


def _text(frame: dict[str, object]) -> str:
    return orjson.dumps(frame).decode()
