"""Completed images with their files, uploaded or of an archive, for tests of thumbnails."""

import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client
from django.utils import timezone

from filestore.local import LocalStore
from images.models import Image, Status
from images.processing.worker_loop import process
from tests.support.images.pictures import jpeg, pending_images


def completed_upload(content: bytes | None = None) -> Image:
    """An upload with all its thumbnails."""
    (image,) = pending_images(content or jpeg(640, 400))
    process([image.id])
    image.refresh_from_db()
    return image


def archived(
    name: str = "a.jpg", content: bytes | None = None, collection: str = "fungi", folder: str = "0a/1b/"
) -> Image:
    """An archive's original and its row, as `register` creates it if there are no thumbnails."""
    key = f"{settings.KEY_PREFIX}/{collection}/originals/{folder}{name}"
    path = Path(settings.MEDIA_ROOT) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content or jpeg(640, 400))
    stored = LocalStore(Path(settings.MEDIA_ROOT)).stat(key)
    now = timezone.now()
    return Image.objects.create(
        id=uuid.uuid5(uuid.NAMESPACE_URL, key),
        collection=collection,
        name=name,
        key=key,
        byte_size=stored.byte_size,
        media_type="image/jpeg",
        source_version=stored.version,
        status=Status.COMPLETED,
        uploaded_at=now,
        finished_at=now,
    )


def request_thumbnail(image: Image | str, label: str | None = None, method: str = "get") -> Any:
    """The response of `/api/thumbnails/<id>`."""
    id_ = image.id if isinstance(image, Image) else image
    return getattr(Client(), method)(f"/api/thumbnails/{id_}", {} if label is None else {"label": label})


def stored_file(url: str) -> Path:
    """The path of the stored file that a URL below `/media/` names."""
    path, _, version = url.partition("?v=")
    assert path.startswith("/media/"), url
    assert version, url
    return Path(settings.MEDIA_ROOT) / path.removeprefix("/media/")
