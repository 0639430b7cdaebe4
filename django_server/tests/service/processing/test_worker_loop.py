"""Claim, render, flush: on PostgreSQL, with real files."""

import uuid
from datetime import timedelta
from typing import Any, cast

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from images.deletion import delete_images
from images.models import FINAL_STATUSES, Image, RemovedImage, Status, Thumbnail
from images.processing import render_image, transitions
from images.processing.outcomes import Failed, Postponed
from images.processing.recovery import end_expired_claims
from images.processing.worker_loop import process
from images.worker_stop_flag import _flag
from tests.support.images.pictures import broken_jpeg, jpeg, pending_images
from tests.support.images.statement_count import statements

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_image_is_completed_with_its_thumbnails_and_their_files(stored_keys: Any) -> None:
    (image,) = pending_images(jpeg(2000, 1000))
    process([image.id])
    image.refresh_from_db()
    assert (image.status, image.version, image.attempts, image.claim) == (Status.COMPLETED, 3, 1, None)
    made = {
        thumbnail.label: (thumbnail.scale, thumbnail.width, thumbnail.height)
        for thumbnail in image.thumbnails.all()
    }
    assert made == {"small": (240, 240, 120), "medium": (1024, 1024, 512), "large": (1500, 1500, 750)}
    assert stored_keys() == sorted([image.key, *image.thumbnails.values_list("key", flat=True)])


def test_an_undecodable_image_becomes_error_and_the_others_complete() -> None:
    images = pending_images(jpeg(), broken_jpeg(), jpeg())
    process([image.id for image in images])
    found = {image.id: image for image in Image.objects.all()}
    assert [found[image.id].status for image in images] == ["completed", "error", "completed"]
    assert found[images[1].id].error_code == "corrupt_image"
    assert "Traceback" not in found[images[1].id].error_message


def test_a_task_delivered_twice_changes_nothing_the_second_time() -> None:
    (image,) = pending_images(jpeg())
    process([image.id])
    before = Image.objects.values().get(), list(Thumbnail.objects.values())
    process([image.id])
    assert (Image.objects.values().get(), list(Thumbnail.objects.values())) == before


def test_two_tasks_never_claim_the_same_image() -> None:
    ids = [image.id for image in pending_images(jpeg(), jpeg(), jpeg())]
    first, second = transitions.claim(ids[:2]), transitions.claim(ids)
    assert [image["id"] for image in first.images] == ids[:2]
    assert [image["id"] for image in second.images] == ids[2:]


def test_a_late_worker_changes_nothing() -> None:
    (image,) = pending_images(jpeg())
    late = transitions.claim([image.id])
    Image.objects.update(lease_until="2000-01-01T00:00Z")
    end_expired_claims()
    process([image.id])
    assert transitions.flush(late, [Failed(image.id, "corrupt_image", "late")], renew=True) == []
    image.refresh_from_db()
    assert (image.status, image.attempts) == (Status.COMPLETED, 2)


def test_an_image_deleted_while_it_is_rendered_leaves_no_file(stored_keys: Any, monkeypatch: Any) -> None:
    (image,) = pending_images(jpeg())

    def render_then_delete(values: Any) -> Any:
        outcome = render_image.render_image(values)
        delete_images(Image.objects.all())
        return outcome

    monkeypatch.setattr("images.processing.worker_loop.render_image", render_then_delete)
    process([image.id])
    assert stored_keys() == []
    assert RemovedImage.objects.get().image_id == image.id


def test_an_image_becomes_error_after_its_last_attempt_and_pending_after_the_others() -> None:
    once, thrice = pending_images(jpeg(), jpeg())
    Image.objects.filter(id=thrice.id).update(attempts=2)
    transitions.claim([once.id, thrice.id])
    Image.objects.update(lease_until="2000-01-01T00:00Z")
    assert end_expired_claims() == 2
    assert Image.objects.get(id=once.id).status == Status.PENDING
    given_up = Image.objects.get(id=thrice.id)
    assert (given_up.status, given_up.error_code) == (Status.ERROR, "processing_failed")


def test_a_stopping_worker_hands_back_the_images_it_has_not_begun(queue_messages: Any) -> None:
    images = pending_images(jpeg(), jpeg())
    _flag[0] = 1
    try:
        process([image.id for image in images])
    finally:
        _flag[0] = 0
    assert set(Image.objects.values_list("status", "attempts")) == {("pending", 0)}
    assert sorted(id_ for _, (ids,) in queue_messages() for id_ in ids) == sorted(
        str(image.id) for image in images
    )


def test_an_unavailable_storage_postpones_the_image_and_counts_no_attempt(settings: Any) -> None:
    (image,) = pending_images(jpeg())
    settings.MEDIA_ROOT.rename(settings.MEDIA_ROOT.with_name("away"))
    settings.MEDIA_ROOT.write_text("a file where a folder was")
    process([image.id])
    image.refresh_from_db()
    assert (image.status, image.attempts, image.queue_tries) == (Status.PENDING, 0, 1)


def test_a_missing_original_makes_the_image_an_error(settings: Any) -> None:
    (image,) = pending_images(jpeg())
    (settings.MEDIA_ROOT / image.key).unlink()
    process([image.id])
    assert Image.objects.get().error_code == "processing_failed"


def test_retry_resets_the_attempts_of_a_failed_image_and_changes_no_other() -> None:
    failed, waiting = pending_images(broken_jpeg(), jpeg())
    process([failed.id])
    assert transitions.retry([failed.id, waiting.id]) == [failed.id]
    failed.refresh_from_db()
    assert (failed.status, failed.attempts, failed.error_code, failed.finished_at) == ("pending", 0, "", None)


def test_abort_changes_unfinished_images_only_and_their_worker_writes_nothing() -> None:
    working, finished = pending_images(jpeg(), jpeg())
    process([finished.id])
    claim = transitions.claim([working.id])
    assert transitions.abort([working.id, finished.id]) == [working.id]
    assert transitions.flush(claim, [Failed(working.id, "corrupt_image", "")], renew=False) == []
    assert Image.objects.get(id=working.id).status == Status.ABORTED


@pytest.mark.parametrize("number", [1, 5, 16])
def test_a_chunk_costs_the_same_statements_for_one_image_or_sixteen(number: int, settings: Any) -> None:
    settings.FLUSH_SECONDS = 60
    ids = [image.id for image in pending_images(*[jpeg()] * number)]
    with CaptureQueriesContext(connection) as captured:
        process(ids)
    assert set(Image.objects.values_list("status", flat=True)) <= FINAL_STATUSES
    # claim: 2, announce: 1, flush: 3, announce: 1
    assert len(statements(captured)) == 7


def test_a_flush_with_failures_and_a_renewed_lease_takes_at_most_five_statements(settings: Any) -> None:
    settings.FLUSH_IMAGES = 4
    settings.FLUSH_SECONDS = 60
    images = pending_images(*[jpeg(), broken_jpeg()] * 3)
    claim = transitions.claim([image.id for image in images])
    outcomes = [Failed(image["id"], "corrupt_image", "no") for image in claim.images[:2]]
    with CaptureQueriesContext(connection) as captured:
        transitions.flush(claim, outcomes, renew=True)
    assert len(statements(captured)) <= 5


def test_an_unexpected_exception_fails_its_own_image_and_the_others_complete(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    images = pending_images(jpeg(), jpeg(), jpeg())

    def render_or_fail(values: Any) -> Any:
        if values["id"] == images[1].id:
            raise KeyError("a mistake of ours")
        return render_image.render_image(values)

    monkeypatch.setattr("images.processing.worker_loop.render_image", render_or_fail)
    process([image.id for image in images])
    found = {image.id: image for image in Image.objects.all()}
    assert [found[image.id].status for image in images] == ["completed", "error", "completed"]
    assert {found[image.id].attempts for image in images} == {1}
    assert found[images[1].id].error_code == "processing_failed"
    assert "a mistake of ours" not in found[images[1].id].error_message
    assert "KeyError: 'a mistake of ours'" in caplog.text


def test_an_outcome_that_cannot_be_written_fails_its_own_image_and_the_others_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = pending_images(jpeg(), jpeg(), jpeg())

    def render_or_return_an_invalid_outcome(values: Any) -> Any:
        if values["id"] == images[1].id:
            return Failed(values["id"], "corrupt_image", cast(Any, None))  # the column is not nullable
        return render_image.render_image(values)

    monkeypatch.setattr("images.processing.worker_loop.render_image", render_or_return_an_invalid_outcome)
    process([image.id for image in images])
    found = {image.id: image for image in Image.objects.all()}
    assert [found[image.id].status for image in images] == ["completed", "error", "completed"]
    assert found[images[1].id].error_code == "processing_failed"


def test_images_are_completed_although_their_events_cannot_be_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = pending_images(jpeg(), jpeg())

    def fail(*_: Any) -> None:
        raise TypeError("ours")

    monkeypatch.setattr("images.processing.publish.notification_json", fail)
    process([image.id for image in images])
    assert set(Image.objects.values_list("status", "announced_version")) == {("completed", 0)}


@pytest.mark.parametrize("slow", [True, False])
def test_the_lease_is_renewed_before_an_image_that_could_outlast_it_even_without_a_flush(
    slow: bool, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    first, second = pending_images(jpeg(), jpeg())
    if slow:
        Image.objects.update(width=6000, height=4000)
    else:
        settings.RENDER_SECONDS = settings.LEASE_SECONDS
    left: dict[Any, timedelta] = {}

    def take_most_of_the_lease(values: Any) -> Any:
        row = Image.objects.annotate(now=Now()).get(id=values["id"])
        assert row.lease_until is not None
        left[row.id] = row.lease_until - row.now
        Image.objects.filter(status=Status.PROCESSING).update(lease_until=Now() + timedelta(seconds=1))
        return Postponed(values["id"])

    monkeypatch.setattr("images.processing.worker_loop.render_image", take_most_of_the_lease)
    process([first.id, second.id])
    assert left[second.id] > timedelta(seconds=settings.LEASE_SECONDS - 10)


def test_an_unknown_id_is_ignored() -> None:
    process([uuid.uuid4()])
