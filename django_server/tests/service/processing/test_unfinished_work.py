"""What Ctrl+C waits for, in words."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from images.models import Image
from images.processing.unfinished_work import unfinished_work
from tests.support.images.pictures import jpeg, pending_images

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("claimed", "words"),
    [
        (0, ""),
        (1, "1 image being processed, at most 45 s"),
        (2, "2 images being processed, at most 45 s each"),
        # Three processes render three images; the other claims are returned.
        (5, "3 images being processed, at most 45 s each"),
    ],
)
def test_the_images_that_are_rendered_are_counted(claimed: int, words: str, settings: Any) -> None:
    settings.WORKER_PROCESSES, settings.RENDER_SLOTS, settings.RENDER_SECONDS = 2, 1, 45
    pending_images(*[jpeg()] * 6)
    ids = Image.objects.values_list("id", flat=True)[:claimed]
    Image.objects.filter(id__in=list(ids)).update(
        status="processing", claim=uuid.uuid4(), lease_until=Now() + timedelta(minutes=1)
    )
    assert unfinished_work() == words
