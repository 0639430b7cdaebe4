"""Classify the differences between the file and the rows of a key. Pure. `repair` checks each finding again."""

from contextlib import suppress
from enum import StrEnum
from uuid import UUID

from django.conf import settings

from filestore.keys import (
    InvalidKey,
    OriginalKey,
    ThumbnailKey,
    parse_original,
    parse_thumbnail,
    thumbnail_key,
    upload_key,
)
from images.reconcile.merged_listing import KeyState
from images.thumbnail_rules import is_upload


class Finding(StrEnum):
    """The kinds of differences between storage and rows."""

    THUMBNAIL_WITHOUT_FILE = "thumbnail_without_file"
    ORIGINAL_MISSING = "original_missing"
    ORIGINAL_BACK = "original_back"
    ORIGINAL_CHANGED = "original_changed"
    FILE_WITHOUT_ROW = "file_without_row"
    FOREIGN = "foreign"


def findings_of(state: KeyState) -> list[Finding]:
    """The differences of this key; empty if storage and rows agree."""
    if state.stored is None:
        return [
            *([Finding.ORIGINAL_MISSING] if state.image else []),
            *([Finding.THUMBNAIL_WITHOUT_FILE] if state.thumbnails else []),
        ]
    if not state.rows:
        return [Finding.FILE_WITHOUT_ROW if image_id_of_upload_key(state.key) else Finding.FOREIGN]
    image = state.image
    if image is None:
        return []
    # An upload's bytes never change, and its version is a checksum, not the storage's version. An empty version means
    # that the version is unknown.
    comparable = bool(image.source_version) and not is_upload(image.collection)
    return [
        *([Finding.ORIGINAL_BACK] if image.original_missing else []),
        *([Finding.ORIGINAL_CHANGED] if comparable and state.stored.version != image.source_version else []),
    ]


def image_id_of_upload_key(key: str) -> UUID | None:
    """The id of the upload whose original or thumbnail has this key; None for files that the app did not store.

    The app stores files only in the collection of uploads. Their names begin with the image's id; the id's first four
    digits name the two folders above the file.
    """
    for parse in (_id_from_original_key, _id_from_thumbnail_key):
        with suppress(ValueError):
            return parse(key)
    return None


def _id_from_original_key(key: str) -> UUID:
    original = parse_original(key, settings.KEY_PREFIX)
    return _checked_id(original, key, _rebuilt_key(original))


def _id_from_thumbnail_key(key: str) -> UUID:
    thumbnail = parse_thumbnail(key, settings.KEY_PREFIX)
    rebuilt = thumbnail_key(_rebuilt_key(thumbnail.original), thumbnail.scale_px, "jpg")
    return _checked_id(thumbnail.original, key, rebuilt)


def _rebuilt_key(original: OriginalKey) -> OriginalKey:
    return upload_key(original.prefix, original.collection, original.stem, original.extension)


def _checked_id(original: OriginalKey, key: str, rebuilt: OriginalKey | ThumbnailKey) -> UUID:
    image_id = UUID(original.stem)
    if not is_upload(original.collection) or str(rebuilt) != key or str(image_id) != original.stem:
        raise InvalidKey(f"{key!r} is not a key of an upload.")
    return image_id
