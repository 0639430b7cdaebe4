"""System checks: invalid settings are refused at start, with a sentence that names the variable.

Django runs them before a management command, Celery before a worker. The web process is started by neither and calls
`refuse_unsound_settings`.
"""

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.exceptions import ImproperlyConfigured

TAG = "images"
# They stand in file names and URLs.
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,40}")
# The longest side that libjpeg writes, in pixels.
_LARGEST_SCALE = 65_500
# Each size is one more file and row per image, and one more URL in each response.
_MOST_SIZES = 12
# Amazon S3 signs for a week at most.
_LONGEST_SIGNATURE_SECONDS = 604_800


def refuse_unsound_settings() -> None:
    """Run the checks. Raises ImproperlyConfigured with the sentences of all that fail."""
    found = [message for message in run_checks(tags=[TAG]) if message.is_serious()]
    if found:
        raise ImproperlyConfigured(
            " ".join(f"{one.msg} {one.hint}" if one.hint else one.msg for one in found)
        )


@register(TAG)
def thumbnails_are_sound(**_: Any) -> list[CheckMessage]:
    """THUMBNAILS (from THUMBNAIL_SIZES and THUMBNAIL_QUALITY) has sizes and a quality that can be rendered."""
    sizes = settings.THUMBNAILS.get("SIZES")
    errors: list[CheckMessage] = []
    if not (isinstance(sizes, dict) and sizes and all(map(_is_size, sizes.items()))):
        errors.append(
            Error(
                f"THUMBNAIL_SIZES must map at least one label to a scale of 1 pixel or more, at most {_LARGEST_SCALE}.",
                hint="Labels are made of at most 40 letters, digits, - and _.",
                id="images.E001",
            )
        )
    elif len(sizes) > _MOST_SIZES:
        errors.append(
            Error(f"THUMBNAIL_SIZES has {len(sizes)} sizes: at most {_MOST_SIZES}.", id="images.E007")
        )
    if not 1 <= settings.THUMBNAILS.get("QUALITY", 0) <= 95:
        errors.append(Error("THUMBNAIL_QUALITY must be between 1 and 95.", id="images.E002"))
    return errors


@register(TAG)
def incoming_is_beside_media(**_: Any) -> list[CheckMessage]:
    """Accepted files are hard-linked from INCOMING_ROOT into MEDIA_ROOT, which needs one file system."""
    for root in (settings.INCOMING_ROOT, settings.MEDIA_ROOT):
        root.mkdir(parents=True, exist_ok=True)
    if settings.INCOMING_ROOT.is_relative_to(settings.MEDIA_ROOT):
        return [
            Error("INCOMING_ROOT is below MEDIA_ROOT, whose files anybody may read.", id="images.E004"),
        ]
    if settings.INCOMING_ROOT.stat().st_dev == settings.MEDIA_ROOT.stat().st_dev or settings.S3_BUCKET:
        return []
    return [
        Error(
            "INCOMING_ROOT and MEDIA_ROOT are on different file systems.",
            hint="Set INCOMING_ROOT to a folder on the file system of MEDIA_ROOT, but not below it.",
            id="images.E003",
        )
    ]


@register(TAG)
def urls_outlive_their_caches(**_: Any) -> list[CheckMessage]:
    """A signed URL must outlive every cached response that contains it. A private bucket needs signed URLs."""
    if not settings.S3_BUCKET or settings.S3_PUBLIC:
        return []
    errors: list[CheckMessage] = []
    if settings.S3_CUSTOM_DOMAIN:
        errors.append(
            Error(
                "S3_CUSTOM_DOMAIN gives unsigned URLs, which a private bucket refuses.",
                hint="Set S3_PUBLIC=true where anybody may read the bucket, or leave S3_CUSTOM_DOMAIN out.",
                id="images.E005",
            )
        )
    if not 4 * settings.REDIRECT_SECONDS < settings.S3_URL_SECONDS <= _LONGEST_SIGNATURE_SECONDS:
        errors.append(
            Error(
                f"S3_URL_SECONDS must be more than {4 * settings.REDIRECT_SECONDS}, four times as long as a redirect "
                f"is cached, and at most {_LONGEST_SIGNATURE_SECONDS}, a week.",
                id="images.E006",
            )
        )
    return errors


def _is_size(size: tuple[object, object]) -> bool:
    label, scale = size
    named = isinstance(label, str) and _LABEL.fullmatch(label) is not None
    return named and isinstance(scale, int) and not isinstance(scale, bool) and 1 <= scale <= _LARGEST_SCALE
