"""A program that creates completed images without thumbnails, like those of a registered archive.

    python -m tests.support.stress.cold_images COUNT FILE...

It needs the site's settings in its environment. The originals are the files in turn, linked into storage. It prints
the images' ids as JSON.
"""

import json
import os
import sys
import uuid
from datetime import timedelta
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main(count: int, files: list[Path]) -> None:
    django.setup(set_prefix=False)
    from django.conf import settings
    from django.utils import timezone

    from filestore.keys import upload_key
    from images.models import Image, Status
    from images.storage import storage

    now = timezone.now()
    images = []
    for number in range(count):
        id_, file = uuid.uuid4(), files[number % len(files)]
        collection = settings.UPLOADS_COLLECTION
        image = Image(
            id=id_,
            collection=collection,
            name=file.name,
            key=str(upload_key(settings.KEY_PREFIX, collection, str(id_), "jpg")),
            byte_size=file.stat().st_size,
            media_type="image/jpeg",
            source_version=id_.hex,
            status=Status.COMPLETED,
            uploaded_at=now + timedelta(microseconds=number),
            finished_at=now,
        )
        storage().store_spooled([(file, image.key)])
        images.append(image)
    Image.objects.bulk_create(images)
    print(json.dumps([str(image.id) for image in images]))


if __name__ == "__main__":
    main(int(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
