"""What is wrong with a key, by what storage and rows know of it. Pure: a suspicion, which `settle` looks into again."""

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
from images.reconcile.merged_listing import Known
from images.thumbnail_rules import is_upload


class Finding(StrEnum):
    """One kind of difference between storage and rows."""

    THUMBNAIL_WITHOUT_FILE = "thumbnail_without_file"
    ORIGINAL_MISSING = "original_missing"
    ORIGINAL_BACK = "original_back"
    ORIGINAL_CHANGED = "original_changed"
    FILE_WITHOUT_ROW = "file_without_row"
    FOREIGN = "foreign"


def judge(known: Known) -> list[Finding]:
    """What seems wrong with this key; empty where storage and rows agree."""
    if known.stored is None:
        return [
            *([Finding.ORIGINAL_MISSING] if known.image else []),
            *([Finding.THUMBNAIL_WITHOUT_FILE] if known.thumbnails else []),
        ]
    if not known.rows:
        return [Finding.FILE_WITHOUT_ROW if image_of_our_file(known.key) else Finding.FOREIGN]
    image = known.image
    if image is None:
        return []
    # An upload's bytes never change, and their checksum names them; nothing is known of an empty version.
    dated = bool(image.source_version) and not is_upload(image.collection)
    return [
        *([Finding.ORIGINAL_BACK] if image.original_missing else []),
        *([Finding.ORIGINAL_CHANGED] if dated and known.stored.version != image.source_version else []),
    ]


def image_of_our_file(key: str) -> UUID | None:
    """The image whose original or thumbnail this software stored under `key`; None for anybody else's file.

    Ours are only in the collection of uploads, named by an id, in the two folders of its first four digits.
    """
    for parse in (_image_of_original, _image_of_thumbnail):
        with suppress(ValueError):
            return parse(key)
    return None


def _image_of_original(key: str) -> UUID:
    original = parse_original(key, settings.KEY_PREFIX)
    return _image_named(original, key, _as_we_would(original))


def _image_of_thumbnail(key: str) -> UUID:
    thumbnail = parse_thumbnail(key, settings.KEY_PREFIX)
    ours = thumbnail_key(_as_we_would(thumbnail.original), thumbnail.scale_px, "jpg")
    return _image_named(thumbnail.original, key, ours)


def _as_we_would(original: OriginalKey) -> OriginalKey:
    return upload_key(original.prefix, original.collection, original.stem, original.extension)


def _image_named(original: OriginalKey, key: str, ours: OriginalKey | ThumbnailKey) -> UUID:
    image_id = UUID(original.stem)
    if not is_upload(original.collection) or str(ours) != key or str(image_id) != original.stem:
        raise InvalidKey(f"{key!r} is not a file of ours.")
    return image_id
