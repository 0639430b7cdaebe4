"""System checks: a process with invalid settings does not start. The error names the environment variable.

Django runs the checks before a management command, Celery before a worker. No such code runs in the web process, so it
calls `refuse_unsound_settings`.
"""

import re
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register, run_checks
from django.core.exceptions import ImproperlyConfigured

from filestore.writable_folder import folder_sentence

TAG = "images"
# Labels are used in file names and URLs.
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,40}")
# The longest side that libjpeg can write, in pixels.
_LARGEST_SCALE = 65_500
# Each size adds a file and a row per image, and a URL in each response.
_MAX_SIZES = 12
# Amazon S3 accepts signatures for one week at most.
_LONGEST_SIGNATURE_SECONDS = 604_800


def refuse_unsound_settings() -> None:
    """Run the checks. Raises ImproperlyConfigured with the messages of all failed checks."""
    failed = [message for message in run_checks(tags=[TAG]) if message.is_serious()]
    if failed:
        raise ImproperlyConfigured(
            " ".join(f"{message.msg} {message.hint}" if message.hint else message.msg for message in failed)
        )


def warnings() -> list[str]:
    """The sentences of all checks that warn."""
    return [message.msg for message in run_checks(tags=[TAG]) if not message.is_serious()]


@register(TAG)
def names_are_known(**_: Any) -> list[CheckMessage]:
    """No variable has nearly the name of a setting."""
    return [checks.Warning(sentence, id="images.W001") for sentence in settings.MISSPELT_SETTINGS]


@register(TAG)
def thumbnails_are_sound(**_: Any) -> list[CheckMessage]:
    """THUMBNAIL_SIZES, which sets THUMBNAILS, is valid."""
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
    elif len(sizes) > _MAX_SIZES:
        errors.append(
            Error(f"THUMBNAIL_SIZES has {len(sizes)} sizes; the maximum is {_MAX_SIZES}.", id="images.E007")
        )
    return errors


@register(TAG)
def incoming_is_beside_media(**_: Any) -> list[CheckMessage]:
    """INCOMING_ROOT and MEDIA_ROOT are on one file system, because files are hard-linked from one to the other."""
    for name in ("INCOMING_ROOT", "MEDIA_ROOT"):
        root = getattr(settings, name)
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return [Error(folder_sentence(name, root, error), id="images.E008")]
    if settings.INCOMING_ROOT.is_relative_to(settings.MEDIA_ROOT):
        return [
            Error("INCOMING_ROOT is below MEDIA_ROOT, where anybody may read all files.", id="images.E004"),
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
                "With S3_CUSTOM_DOMAIN, URLs are not signed, and a private bucket refuses them.",
                hint="Set S3_PUBLIC=true if anybody may read the bucket. Otherwise do not set S3_CUSTOM_DOMAIN.",
                id="images.E005",
            )
        )
    if not 4 * settings.REDIRECT_SECONDS < settings.S3_URL_SECONDS <= _LONGEST_SIGNATURE_SECONDS:
        errors.append(
            Error(
                f"S3_URL_SECONDS must be more than {4 * settings.REDIRECT_SECONDS} (four times as long as a redirect "
                f"is cached) and at most {_LONGEST_SIGNATURE_SECONDS} (one week).",
                id="images.E006",
            )
        )
    return errors


def _is_size(size: tuple[object, object]) -> bool:
    label, scale = size
    named = isinstance(label, str) and _LABEL.fullmatch(label) is not None
    return named and isinstance(scale, int) and not isinstance(scale, bool) and 1 <= scale <= _LARGEST_SCALE
