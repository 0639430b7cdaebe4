"""Uploaded and archived images with all their thumbnails, aged by two hours so that repairs apply to them."""

import os
import time
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models.functions import Now

from filestore.local import LocalStore
from images.models import Image, Thumbnail
from images.processing.worker_loop import process
from images.thumbnails.generate import generate_in_worker
from tests.support.images import completed_images
from tests.support.images.pictures import jpeg, pending_images

_HOURS = 2


def uploaded(count: int = 1) -> list[Image]:
    """Completed uploads, two hours old."""
    images = pending_images(*[jpeg()] * count)
    process([image.id for image in images])
    let_hours_pass()
    return images


def archived(name: str, collection: str = "fungi", *, warm: bool = True) -> Image:
    """An archive's image as `register` makes it, two hours old, its thumbnails made unless they are not to be."""
    image = completed_images.archived(name, jpeg(), collection, folder="")
    if warm:
        generate_in_worker(image.id)
    rows_grow_old()
    return image


def let_hours_pass() -> None:
    """Rows and files are two hours old."""
    rows_grow_old()
    for file in LocalStore(Path(settings.MEDIA_ROOT)).list():
        grow_old(file.key)


def rows_grow_old() -> None:
    ago = timedelta(hours=_HOURS)
    Image.objects.update(uploaded_at=Now() - ago, changed_at=Now() - ago)
    Thumbnail.objects.update(generated_at=Now() - ago)


def grow_old(key: str) -> None:
    then = time.time() - _HOURS * 3600
    os.utime(path_of(key), (then, then))


def put(key: str, content: bytes = b"x", *, old: bool = True) -> str:
    """Store a file that no row names."""
    path = path_of(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if old:
        grow_old(key)
    return key


def path_of(key: str) -> Path:
    return Path(settings.MEDIA_ROOT) / key
