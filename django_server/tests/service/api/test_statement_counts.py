"""The number of SQL statements of each reader does not depend on the number of rows or labels."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from images.live.replays import PAGE_IMAGES, batch_snapshot, jobs_snapshot
from images.models import Batch, Image
from images.thumbnail_rules import sizes
from tests.support.images.completed_rows import completed_rows
from tests.support.images.statement_count import statements

pytestmark = pytest.mark.django_db(transaction=True)

ALL_LABELS = {"small": 240, "medium": 1024, "large": 1500}


def statement_count(read: Callable[[], object]) -> int:
    """The number of SQL statements that `read` executes."""
    with CaptureQueriesContext(connection) as captured:
        read()
    return len(statements(captured))


def read(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200, path


def readers(batch: Batch) -> dict[str, Callable[[], object]]:
    """Every endpoint and page that shows images, as its user requests it."""
    client, admin = Client(), Client()
    user, _ = User.objects.get_or_create(username="admin", is_staff=True, is_superuser=True)
    admin.force_login(user)
    image = Image.objects.order_by("id")[0]
    return {
        "list": lambda: read(client, "/api/list"),
        "list of ids": lambda: read(client, f"/api/list?ids={image.id}"),
        "batch": lambda: read(client, f"/api/batches/{batch.id}"),
        "batches": lambda: read(client, "/api/batches"),
        "one image": lambda: read(client, f"/api/images/{image.id}"),
        "snapshot of one image": lambda: list(jobs_snapshot([image.id])),
        "admin, images": lambda: read(admin, "/admin/images/image/"),
        "admin, one image": lambda: read(admin, f"/admin/images/image/{image.id}/change/"),
        "admin, thumbnails": lambda: read(admin, "/admin/images/thumbnail/"),
        "admin, batches": lambda: read(admin, "/admin/images/batch/"),
    }


def test_every_reader_executes_as_many_statements_for_five_images_as_for_forty_and_for_one_label_as_for_three(
    settings: Any,
) -> None:
    counts: dict[str, list[int]] = {}
    batch = Batch.objects.create()
    for labels in (1, 3):
        Image.objects.all().delete()
        settings.THUMBNAILS = {**settings.THUMBNAILS, "SIZES": dict(list(ALL_LABELS.items())[:labels])}
        for more in (5, 35):
            completed_rows(more, batch)
            assert len(sizes()) == labels
            for name, reader in readers(batch).items():
                reader()  # statements that run once a process, as for content types, do not count
                counts.setdefault(name, []).append(statement_count(reader))
    assert {name: numbers for name, numbers in counts.items() if len(set(numbers)) > 1} == {}
    assert counts["list"][0] == 2
    assert counts["one image"][0] == 2
    assert counts["batch"][0] == 4


def test_a_snapshot_costs_two_statements_a_page_whatever_the_page_holds(settings: Any) -> None:
    counts = set()
    for labels in (1, 3):
        settings.THUMBNAILS = {**settings.THUMBNAILS, "SIZES": dict(list(ALL_LABELS.items())[:labels])}
        for number in (5, PAGE_IMAGES - 1):
            batch = Batch.objects.create()
            completed_rows(number, batch)
            counts.add(statement_count(lambda batch=batch: list(batch_snapshot(batch.id))))  # type: ignore[misc]
            completed_rows(PAGE_IMAGES, batch)
            counts.add(statement_count(lambda batch=batch: list(batch_snapshot(batch.id))) - 2)  # type: ignore[misc]
    assert len(counts) == 1


def test_a_page_of_a_thousand_takes_two_statements() -> None:
    completed_rows(1001)
    answers = []
    assert statement_count(lambda: answers.append(Client().get("/api/list", {"limit": 1000}))) == 2
    (answer,) = answers
    assert len(answer.json()) == 1000
    assert 'rel="next"' in answer["Link"]
    assert all(len(image["thumbnails"]) == len(sizes()) for image in answer.json())
    assert "/api/thumbnails/" not in answer.content.decode()


def test_the_admin_links_a_valid_thumbnail_to_its_file_and_a_stale_one_to_the_app() -> None:
    image, stale = completed_rows(2)
    stale.thumbnails.update(source_version="of other bytes")
    admin = Client()
    admin.force_login(User.objects.create(username="admin", is_staff=True, is_superuser=True))
    page = admin.get("/admin/images/image/").content.decode()
    assert f"thumbnails/{image.id}_240.jpg?v=" in page
    assert f'src="/api/thumbnails/{stale.id}?label=small"' in page
