"""Map a manifest record to the row of an image and the rows of its valid thumbnails. Pure."""

import uuid

from django.conf import settings

from filestore.keys import InvalidKey, is_utf8, parse_original, parse_thumbnail
from filestore.media_types import media_type
from images.models import Image, Status
from images.row_values import ThumbnailRow
from images.thumbnail_rules import is_upload, sizes
from pregen.generate.journal import GeneratedThumbnail
from pregen.manifest.reader import Record, check_key

# The id of an archive's image is derived from its key, so that registering again finds the same row.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "django-file-upload:archive")
_MAX_KEY_LENGTH = 1024
_MAX_NAME_LENGTH = 255
# Times in old manifests were rounded by a float and may be a microsecond off. This is the largest difference, in µs.
_SAME_TIME_US = 2


class NotRegistered(Exception):
    """A record can't become a row. The message is the reason: a predicate of the key."""


def id_of(original_key: str) -> uuid.UUID:
    """The id of the image whose original has this key."""
    return uuid.uuid5(_NAMESPACE, original_key)


def image_of(record: Record) -> Image:
    """The unsaved row of a record's image: completed, with the file's time. Raises NotRegistered.

    `announced_version` equals `version`, so that no event is published.
    """
    key = record.original_key
    if is_upload(record.collection):
        raise NotRegistered("belongs to the server's own uploads")
    if len(key) > _MAX_KEY_LENGTH or len(record.collection) > _MAX_NAME_LENGTH:
        raise NotRegistered("has too long a key")
    if "\0" in key or not is_utf8(key):
        raise NotRegistered("has a name that the database can't store")
    try:
        parsed = parse_original(key, settings.KEY_PREFIX)
    except InvalidKey:
        raise NotRegistered(f"is not below {settings.KEY_PREFIX}/<collection>/originals/") from None
    if parsed.collection != record.collection:
        raise NotRegistered("names another collection than its key")
    moment = record.original_modified
    return Image(
        id=id_of(key),
        collection=record.collection,
        name=record.filename[-_MAX_NAME_LENGTH:],
        key=key,
        byte_size=record.original_size,
        media_type=media_type(key),
        source_version=record.version,
        status=Status.COMPLETED,
        version=1,
        announced_version=1,
        uploaded_at=moment,
        finished_at=moment,
        # A time in the past, so that a client that reconnects does not get events for a million images.
        changed_at=moment,
    )


def thumbnails_of(record: Record, image: Image) -> list[ThumbnailRow]:
    """The rows of the record's thumbnails that have a configured size and are not older than the original."""
    return [
        _row(image, label, thumbnail.key, scale_px, thumbnail.size)
        for label, scale_px in sizes().items()
        if (thumbnail := record.thumbnails.get(scale_px)) is not None
        and thumbnail.modified >= record.original_modified
        and _is_thumbnail_of(thumbnail.key, record.collection)
    ]


def rows_of_generated(generated: GeneratedThumbnail, image: Image) -> list[ThumbnailRow]:
    """The rows of a thumbnail that pregen generated after the scan: one for each label of its size.

    No rows if the original has changed since.
    """
    if not is_same_source(image.source_version, generated.original_version):
        return []
    return [
        _row(
            image,
            label,
            generated.thumbnail_key,
            scale_px,
            generated.byte_size,
            generated.width,
            generated.height,
        )
        for label, scale_px in sizes().items()
        if scale_px == generated.scale and _is_thumbnail_of(generated.thumbnail_key, image.collection)
    ]


def is_same_source(first: str, second: str) -> bool:
    """Whether two versions identify the same bytes.

    A version is either an etag, or a size and a time. Versions of different kinds never identify the same bytes. Times
    may differ by a microsecond, as in old manifests.
    """
    if first == second or first.startswith("etag:") != second.startswith("etag:"):
        return first == second
    if first.startswith("etag:"):
        return False
    (first_size, first_us), (second_size, second_us) = first.split("@"), second.split("@")
    return first_size == second_size and abs(int(first_us) - int(second_us)) <= _SAME_TIME_US


def _is_thumbnail_of(key: str, collection: str) -> bool:
    """Whether the key is that of a thumbnail in this collection. The manifest's other keys are ignored."""
    try:
        return (
            is_utf8(check_key(key))
            and parse_thumbnail(key, settings.KEY_PREFIX).original.collection == collection
        )
    except ValueError:
        return False


def _row(
    image: Image,
    label: str,
    key: str,
    scale_px: int,
    byte_size: int,
    width: int | None = None,
    height: int | None = None,
) -> ThumbnailRow:
    return ThumbnailRow(
        image_id=image.id,
        label=label,
        key=key,
        scale=scale_px,
        width=width,
        height=height,
        byte_size=byte_size,
        source_version=image.source_version,
        # The recipe of the thumbnail's renderer is unknown. A blank recipe counts as valid.
        recipe="",
    )
