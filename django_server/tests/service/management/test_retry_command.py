"""`manage.py retry` and the admin's actions: failed images are processed again, unfinished ones aborted."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client

from images.models import Batch, Image, Status
from images.processing import retry_abort
from images.processing.worker_loop import process
from tests.support.images.pictures import broken_jpeg, jpeg, pending_images

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queued_ids(queue_messages: Any) -> Callable[[], list[str]]:
    """A function that returns the sorted ids of the images in the queue."""
    return lambda: sorted(id_ for _, (ids,) in queue_messages() for id_ in ids)


def ids_of(images: list[Image]) -> list[str]:
    return sorted(str(image.id) for image in images)


def retry(*arguments: str) -> str:
    out = StringIO()
    call_command("retry", *arguments, stdout=out)
    return out.getvalue()


def failed(count: int, batch: Batch | None = None) -> list[Image]:
    images = pending_images(*[broken_jpeg()] * count, batch=batch)
    process([image.id for image in images])
    return images


def status_of(images: list[Image]) -> set[str]:
    ids = [image.id for image in images]
    return set(Image.objects.filter(id__in=ids).values_list("status", flat=True))


def test_a_dry_run_counts_by_reason_and_changes_nothing(queued_ids: Callable[[], list[str]]) -> None:
    images = failed(3)
    Image.objects.filter(id=images[0].id).update(error_code="processing_failed")
    assert retry() == (
        "3 images failed.\n"
        "        2  corrupt_image\n"
        "        1  processing_failed\n"
        "Nothing was changed: this was a dry run. `--apply` processes them again.\n"
    )
    assert (status_of(images), queued_ids()) == ({Status.ERROR}, [])


def test_all_failed_images_are_queued_again_in_steps_and_no_others(
    queued_ids: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry_abort, "STEP_IMAGES", 2)
    images = failed(5)
    completed = pending_images(jpeg())
    process([completed[0].id])
    aborted = pending_images(jpeg())
    assert retry_abort.abort([aborted[0].id]) == 1
    assert "Queued 5 images again." in retry("--apply")
    assert queued_ids() == ids_of(images)
    assert status_of(images) == {Status.PENDING}
    assert status_of(completed) == {Status.COMPLETED}
    assert status_of(aborted) == {Status.ABORTED}
    assert not Image.objects.exclude(version=F("announced_version")).filter(status=Status.PENDING).exists()


def test_batch_reason_collection_and_day_can_be_combined(
    queued_ids: Callable[[], list[str]],
) -> None:
    batch = Batch.objects.create()
    inside, outside = failed(2, batch), failed(1)
    Image.objects.filter(id=inside[0].id).update(error_code="processing_failed")
    assert retry("--collection", "nowhere", "--apply") == "0 images failed.\nQueued 0 images again.\n"
    assert "0 images failed." in retry("--since", "2999-01-01")
    retry("--batch", str(batch.id), "--code", "processing_failed", "--since", "2020-01-01", "--apply")
    assert queued_ids() == ids_of(inside[:1])
    assert status_of(outside) == {Status.ERROR}


def test_an_invalid_day_is_refused() -> None:
    with pytest.raises(CommandError, match="is not a date"):
        retry("--since", "soon")


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


def act(operator: Client, action: str, images: list[Image]) -> str:
    chosen = [str(image.id) for image in images]
    answer = operator.post(
        "/admin/images/image/", {"action": action, "_selected_action": chosen}, follow=True
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_administrator_retries_failed_images(
    operator: Client, queued_ids: Callable[[], list[str]]
) -> None:
    images = failed(2)
    completed = pending_images(jpeg())
    process([completed[0].id])
    assert "2 of 3 images are processed again." in act(operator, "retry_selected", images + completed)
    assert queued_ids() == ids_of(images)


def test_an_administrator_aborts_pending_images(operator: Client) -> None:
    images = pending_images(jpeg(), jpeg())
    assert "2 of 2 images were aborted." in act(operator, "abort_selected", images)
    assert status_of(images) == {Status.ABORTED}


def test_a_user_who_may_only_view_is_offered_no_action(client: Client) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_image"))
    client.force_login(viewer)
    images = failed(1)
    page = client.get("/admin/images/image/").content.decode()
    assert "retry_selected" not in page
    act(client, "retry_selected", images)
    assert status_of(images) == {Status.ERROR}
