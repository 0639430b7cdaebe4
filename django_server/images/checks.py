"""System checks: settings that could not work are told at the start, in a sentence, before a user meets them."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def thumbnails_are_sound(**_: Any) -> list[CheckMessage]:
    """THUMBNAILS needs at least one label, whole scales of at least a pixel, and a JPEG quality."""
    sizes = settings.THUMBNAILS.get("SIZES")
    sound = isinstance(sizes, dict) and sizes and all(_is_scale(scale) for scale in sizes.values())
    errors: list[CheckMessage] = []
    if not sound:
        errors.append(
            Error(
                "THUMBNAILS['SIZES'] must map at least one label to a scale of 1 pixel or more.",
                id="images.E001",
            )
        )
    if not 1 <= settings.THUMBNAILS.get("QUALITY", 0) <= 95:
        errors.append(Error("THUMBNAILS['QUALITY'] must be between 1 and 95.", id="images.E002"))
    return errors


@register()
def incoming_is_beside_media(**_: Any) -> list[CheckMessage]:
    """An accepted file is linked from INCOMING_ROOT into MEDIA_ROOT, which only works on one file system."""
    for root in (settings.INCOMING_ROOT, settings.MEDIA_ROOT):
        root.mkdir(parents=True, exist_ok=True)
    if settings.INCOMING_ROOT.stat().st_dev == settings.MEDIA_ROOT.stat().st_dev:
        return []
    return [
        Error(
            "INCOMING_ROOT and MEDIA_ROOT are on different file systems.",
            hint="Put both below one DATA_DIR that is a single volume.",
            id="images.E003",
        )
    ]


def _is_scale(scale: object) -> bool:
    return isinstance(scale, int) and not isinstance(scale, bool) and scale >= 1
