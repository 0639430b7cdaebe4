"""Telling listeners what changed, after the commit; what could be told is noted, the rest the sweeper tells again."""

from collections.abc import Sequence
from uuid import UUID

import orjson

from images import events
from images.listing import Listed, by_ids
from images.models import RemovedImage
from images.processing import transitions
from images.processing.transitions import Removed
from images.wire import ImageValues, notification_json, removed_json


def announce(listed: Sequence[Listed]) -> None:
    """Tell the state of these images."""
    if not listed:
        return
    news = [
        events.News(image["id"], image["batch_id"], _text(notification_json(image, thumbnails)))
        for image, thumbnails in listed
    ]
    if events.publish(news):
        transitions.mark_announced({image["id"]: image["version"] for image, _ in listed})


def announce_unfinished(images: Sequence[ImageValues]) -> None:
    """Tell the state of images that can have no thumbnails yet."""
    announce([(image, {}) for image in images])


def announce_ids(ids: Sequence[UUID]) -> None:
    """Tell the state these images have now. Reads it: two statements."""
    if ids:
        announce(by_ids(ids))


def announce_removed(removed: Sequence[Removed]) -> None:
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
        RemovedImage.objects.filter(image_id__in=[one.image_id for one in removed]).update(announced=True)


def _text(frame: dict[str, object]) -> str:
    return orjson.dumps(frame).decode()
