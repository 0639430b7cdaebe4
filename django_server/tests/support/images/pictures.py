"""Small pictures, and rows with their files in storage, for tests of the app."""

import io
import uuid
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from PIL import Image as Picture

from images.models import Batch, Image
from images.uploads.accept import image_row, set_upload_times, store_spooled_files
from images.uploads.multipart import SpooledFile
from imaging import probe


def jpeg(width: int = 320, height: int = 200, colour: str = "teal") -> bytes:
    """A JPEG of one colour."""
    out = io.BytesIO()
    Picture.new("RGB", (width, height), colour).save(out, "JPEG")
    return out.getvalue()


def noise_jpeg(width: int = 2400, height: int = 1800) -> bytes:
    """A JPEG that takes as long as a photo of its size: by default a tenth of a second."""
    out = io.BytesIO()
    noise = Picture.effect_noise((width // 8, height // 8), 40).convert("RGB")
    noise.resize((width, height)).save(out, "JPEG", quality=85)
    return out.getvalue()


def broken_jpeg() -> bytes:
    """A JPEG with a valid header that can't be decoded to its end."""
    noise = Picture.effect_noise((640, 480), 80)
    out = io.BytesIO()
    noise.save(out, "JPEG")
    return out.getvalue()[:9000]


def spooled(content: bytes, name: str = "picture.jpg", index: int = 0) -> SpooledFile:
    """A file as the multipart parser leaves it."""
    id_ = uuid.uuid4()
    path = Path(settings.INCOMING_ROOT) / str(id_)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return SpooledFile(index, id_, name, path, len(content), uuid.uuid4().hex, too_large=False)


def pending_images(*contents: bytes, batch: Batch | None = None) -> list[Image]:
    """Accepted images as their request leaves them, except that nothing was queued or published."""
    files = [spooled(content, f"picture-{index}.jpg", index) for index, content in enumerate(contents)]
    accepted = [(file, probe(io.BytesIO(content))) for file, content in zip(files, contents, strict=True)]
    images = [image_row(file, header, None if batch is None else batch.id) for file, header in accepted]
    set_upload_times(images, timezone.now())
    store_spooled_files(accepted, images)
    Image.objects.bulk_create(images)
    for file in files:
        file.delete()
    return images
