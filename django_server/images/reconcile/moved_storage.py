"""Whether the stored files are where the settings say: a changed MEDIA_ROOT or S3_BUCKET leaves the rows without files.

The file DATA_DIR/storage_location remembers the place where the files were found last. Called at start by
`manage.py serve` and `manage.py prepare_site`.
"""

from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from images.models import Image
from images.reconcile.row_repairs import stored_file_or_none

# The oldest images and the newest ones: after a change, only new uploads are in the new place.
_SAMPLE_EACH = 10


def moved_storage_warning() -> str | None:
    """A sentence if images of the database have no file in the configured storage; None if all checked files exist.

    None also if the database or the storage does not respond: /readyz reports that.
    """
    try:
        checked, missing = _sample()
    except (OSError, DatabaseError, InterfaceError):
        return None
    now, before = _location(), _remembered()
    moved = before is not None and before != now
    if missing and moved:
        return (
            f"{missing} of {checked} checked images have no file in {now}. The files were in {before} at the last "
            "start: set it back, or move the files. A separate archive needs a DATA_DIR of its own."
        )
    if missing == checked > 0:
        return f"{missing} of {checked} checked images have no file in {now}. Is the volume mounted, or was it moved?"
    if before != now:
        _remember(now)
    return None


def _sample() -> tuple[int, int]:
    """The number of images checked, and of those without a file. At most 20 images."""
    newest = Image.objects.order_by("-uploaded_at", "-id").values_list("key", flat=True)
    keys = {*newest[:_SAMPLE_EACH], *newest.reverse()[:_SAMPLE_EACH]}
    lost = [key for key in keys if stored_file_or_none(key) is None]
    # An image that was deleted meanwhile is not lost.
    return len(keys), Image.objects.filter(key__in=lost, original_missing=False).count()


def _location() -> str:
    return f"S3_BUCKET {settings.S3_BUCKET}" if settings.S3_BUCKET else f"MEDIA_ROOT {settings.MEDIA_ROOT}"


def _memory() -> Path:
    path: Path = settings.DATA_DIR / "storage_location"
    return path


def _remembered() -> str | None:
    with suppress(OSError):
        return _memory().read_text().strip() or None
    return None


def _remember(location: str) -> None:
    # Without room on the disk the place is remembered at a later start.
    with suppress(OSError):
        temporary = _memory().with_suffix(".new")
        temporary.write_text(f"{location}\n")
        temporary.replace(_memory())
