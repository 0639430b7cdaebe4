"""The administrators' status page, with a running queue and with none."""

from typing import Any

import pytest
from celery import Celery
from django.conf import settings as site
from django.contrib.auth.models import User
from django.test import Client

from images.models import Image, Status
from tests.support.images.completed_rows import completed_rows
from tests.support.servers import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def administrator() -> Client:
    client = Client()
    client.force_login(User.objects.create(username="admin", is_staff=True, is_superuser=True))
    return client


def test_the_state_is_shown_and_linked_from_the_first_page(administrator: Client) -> None:
    site.MEDIA_ROOT.mkdir(exist_ok=True)
    (image,) = completed_rows(1)
    Image.objects.filter(id=image.id).update(status=Status.PENDING, finished_at=None)
    assert 'href="/admin/status/"' in administrator.get("/admin/").content.decode()
    page = administrator.get("/admin/status/")
    assert page.status_code == 200
    shown = {(one.description.partition(".")[0], one.labels): one.value for one in page.context["figures"]}
    assert shown["Images without a final status", "pending"] == "1"
    assert shown["Images without a final status", "processing"] == "0"
    assert shown["Whether this process can reach the dependency: 1 or 0", "database"] == "yes"
    assert "GB" in shown["Free space on the file system of the folder", "MEDIA_ROOT"]
    assert "No worker is running." in page.content.decode()


def test_an_unreachable_queue_is_reported(
    administrator: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    away = Celery("away", broker=settings.REDIS_URL, set_as_current=False)
    away.conf.broker_transport_options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    monkeypatch.setattr("images.observability.celery_workers.current_app", away)
    page = administrator.get("/admin/status/")
    assert page.status_code == 200
    assert "The queue is not reachable." in page.content.decode()
    assert [one.value for one in page.context["figures"] if one.labels == "broker"] == ["no"]


def test_other_users_are_redirected_to_the_login() -> None:
    client = Client()
    assert client.get("/admin/status/").headers["Location"].startswith("/admin/login/")
    client.force_login(User.objects.create(username="nobody"))
    assert client.get("/admin/status/").status_code == 302


def test_only_reading_is_allowed(administrator: Client) -> None:
    assert administrator.post("/admin/status/").status_code == 405
