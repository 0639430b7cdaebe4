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
    age_rows_and_files()
    return images


def archived(name: str, collection: str = "fungi", *, with_thumbnails: bool = True) -> Image:
    """An archive's image as `register` creates it, two hours old; `with_thumbnails`: with generated thumbnails."""
    image = completed_images.archived(name, jpeg(), collection, folder="")
    if with_thumbnails:
        generate_in_worker(image.id)
    age_rows()
    return image


def age_rows_and_files() -> None:
    """Make all rows and files two hours old."""
    age_rows()
    for file in LocalStore(Path(settings.MEDIA_ROOT)).list():
        age_file(file.key)


def age_rows() -> None:
    ago = timedelta(hours=_HOURS)
    Image.objects.update(uploaded_at=Now() - ago, changed_at=Now() - ago)
    Thumbnail.objects.update(generated_at=Now() - ago)


def age_file(key: str) -> None:
    then = time.time() - _HOURS * 3600
    os.utime(path_of(key), (then, then))


def put(key: str, content: bytes = b"x", *, old: bool = True) -> str:
    """Store a file that no row names."""
    path = path_of(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if old:
        age_file(key)
    return key


def path_of(key: str) -> Path:
    return Path(settings.MEDIA_ROOT) / key
