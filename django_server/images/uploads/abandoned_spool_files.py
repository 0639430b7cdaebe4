"""Delete abandoned spool files: uploaded files `incoming/{id}` whose request crashed before it deleted them."""

import time
import uuid
from pathlib import Path
from uuid import UUID

from django.conf import settings

from filestore.keys import upload_key
from images.models import Image
from images.storage import storage
from imaging import ImagingError, probe

# No upload takes longer than this, so an older spool file is abandoned.
_ABANDONED_SECONDS = 3600
# After a request has committed its rows, it deletes its spool files within this time.
_UNLINK_SECONDS = 60


def delete_abandoned_spool_files() -> int:
    """Delete abandoned spool files. If the row of such an image was not committed, also delete its stored original.

    Returns the number of deleted spool files.
    """
    deleted = 0
    for path in settings.INCOMING_ROOT.iterdir() if settings.INCOMING_ROOT.is_dir() else ():
        age_seconds = _age_seconds(path)
        if age_seconds is None or age_seconds < _UNLINK_SECONDS:
            continue
        image_id = _image_id(path)
        has_row = image_id is not None and Image.objects.filter(id=image_id).exists()
        if has_row or age_seconds > _ABANDONED_SECONDS:
            if image_id is not None and not has_row:
                _delete_original(image_id, path)
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted


def _delete_original(image_id: UUID, spooled: Path) -> None:
    # A file without a valid image header was never stored under a key: its request crashed while the body arrived.
    try:
        with spooled.open("rb") as source:
            extension = probe(source).extension
    except (ImagingError, FileNotFoundError):
        return
    storage().delete(
        str(upload_key(settings.KEY_PREFIX, settings.UPLOADS_COLLECTION, str(image_id), extension))
    )


def _image_id(path: Path) -> UUID | None:
    try:
        return uuid.UUID(path.name)
    except ValueError:
        return None


def _age_seconds(path: Path) -> float | None:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None
