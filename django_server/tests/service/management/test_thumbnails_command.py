"""`manage.py thumbnails`: a real worker generates missing thumbnails once, and uploads are processed first."""

import threading
import time
import uuid
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Max
from django.test.utils import CaptureQueriesContext
from redis import Redis

from images import celery_queue
from images.models import Image, Status, Thumbnail
from images.thumbnails import backfill, generate_chunk
from images.thumbnails.backfill import Candidate, Selection, chunks, find_candidates
from images.thumbnails.generate import generate_in_worker
from images.thumbnails.generate_chunk import generate_each
from tests.support.images.old_images import archived, path_of, uploaded
from tests.support.images.pictures import jpeg, pending_images
from tests.support.images.queue_messages import arguments_of
from tests.support.images.statement_count import statements
from tests.support.processes.celery_worker import worker
from tests.support.processes.process_tree import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queue_messages")]

_PATIENCE_SECONDS = 60.0


def thumbnails(*arguments: str) -> str:
    out = StringIO()
    call_command("thumbnails", *arguments, stdout=out)
    return out.getvalue()


def resize(settings: Any, **sizes: int) -> None:
    settings.THUMBNAILS = {**settings.THUMBNAILS, "SIZES": sizes}


def chunks_in_bulk() -> int:
    return celery_queue.bulk_queue_length() or 0


def process_bulk(settings: Any) -> None:
    """Process all messages of the queue `bulk`, as a worker would."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        while raw := redis.rpop(celery_queue.BULK):
            task, (ids,) = arguments_of(orjson.loads(raw))
            assert task == celery_queue.MAKE_THUMBNAILS
            generate_each([uuid.UUID(id_) for id_ in ids])


def test_after_a_change_of_sizes_a_worker_generates_exactly_the_missing_thumbnails(tmp_path: Path) -> None:
    images = uploaded(9)
    archived("one.jpg", with_thumbnails=False)
    # The worker has unchanged settings, so the rows are made stale instead.
    Thumbnail.objects.filter(label="small").update(scale=200)
    kept = dict(Thumbnail.objects.exclude(label="small").values_list("id", "generated_at"))
    assert thumbnails("--dry-run").startswith("10 images with missing thumbnails.")
    assert chunks_in_bulk() == 0
    assert "Queued 10 images." in thumbnails()
    assert chunks_in_bulk() == 3
    with worker(tmp_path):
        assert eventually(lambda: not list(find_candidates(Selection())), _PATIENCE_SECONDS)
    assert Thumbnail.objects.filter(label="small", scale=240).count() == len(images) + 1
    assert dict(Thumbnail.objects.filter(id__in=kept).values_list("id", "generated_at")) == kept
    assert thumbnails() == "No image has missing thumbnails.\n"


def test_thumbnails_of_changed_sizes_are_found_and_generated_once(settings: Any) -> None:
    uploaded(3)
    resize(settings, small=240, huge=310)
    thumbnails()
    process_bulk(settings)
    assert Thumbnail.objects.filter(label="huge", width=310).count() == 3
    assert thumbnails() == "No image has missing thumbnails.\n"
    assert chunks_in_bulk() == 0


def test_uploads_are_processed_before_two_hundred_queued_chunks(tmp_path: Path) -> None:
    images = uploaded(8)
    # A thread makes all thumbnails stale again and again, so that each chunk has some to generate.
    ids = [image.id for image in images]
    for number in range(200):
        celery_queue.enqueue_thumbnails(ids[4 * (number % 2) :][:4])
    stop = threading.Event()

    def make_stale() -> None:
        while not stop.wait(0.02):
            Thumbnail.objects.filter(image_id__in=ids).update(recipe="older")
        connection.close()

    stale_maker = threading.Thread(target=make_stale)
    stale_maker.start()
    try:
        with worker(tmp_path):
            assert eventually(lambda: chunks_in_bulk() <= 195, _PATIENCE_SECONDS)
            waiting_before = chunks_in_bulk()
            uploads = pending_images(*[jpeg()] * 10)
            celery_queue.enqueue([image.id for image in uploads], one_task_each=True)
            new = Image.objects.filter(id__in=[image.id for image in uploads])
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while new.exclude(status=Status.COMPLETED).exists():
                assert time.monotonic() < deadline
                time.sleep(0.005)
            passed = waiting_before - chunks_in_bulk()
    finally:
        stop.set()
        stale_maker.join()
    # The current chunk, the prefetched one, and those taken between the last upload and the check.
    assert passed <= 4
    assert chunks_in_bulk() > 100


def test_force_generates_valid_thumbnails_again_and_every_url_works_meanwhile(
    settings: Any, stored_keys: Any
) -> None:
    uploaded(3)
    keys = stored_keys()
    before = Thumbnail.objects.aggregate(last=Max("generated_at"))["last"]
    assert "Queued 3 images." in thumbnails("--force")
    assert stored_keys() == keys
    process_bulk(settings)
    assert stored_keys() == keys
    assert Thumbnail.objects.filter(generated_at__gt=before).count() == 9
    assert thumbnails() == "No image has missing thumbnails.\n"


def test_a_stopped_run_with_force_continues_with_the_rest(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded(10)
    enqueue, calls = celery_queue.enqueue_thumbnails, 0

    def interrupted(ids: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return enqueue(ids)

    monkeypatch.setattr(celery_queue, "enqueue_thumbnails", interrupted)
    out = StringIO()
    with pytest.raises(SystemExit, match="130"):
        call_command("thumbnails", "--force", stdout=out)
    process_bulk(settings)
    assert "Stopped. The workers generate the thumbnails of the 4 images queued so far." in out.getvalue()
    again = out.getvalue().strip().removesuffix(".").partition(" with ")[2].split()
    assert again[:2] == ["--force", "--made-before"]
    monkeypatch.setattr(celery_queue, "enqueue_thumbnails", enqueue)
    assert "Queued 6 images." in thumbnails(*again)


def test_only_selected_images_are_queued(settings: Any) -> None:
    uploaded(3)
    archived("one.jpg")
    resize(settings, small=77)
    assert thumbnails("--dry-run", "--collection", "fungi").startswith("1 images")
    assert thumbnails("--dry-run", "--limit", "2").startswith("2 images")
    assert thumbnails("--dry-run", "--before", "2000-01-01").startswith("0 images")
    assert thumbnails("--dry-run", "--after", "2000-01-01").startswith("4 images")
    Image.objects.filter(collection="fungi").update(original_missing=True)
    pending_images(jpeg())
    assert thumbnails("--dry-run").startswith("3 images")


def test_a_page_takes_two_statements(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_PAGE_IMAGES", 4)
    uploaded(10)
    with CaptureQueriesContext(connection) as captured:
        assert list(find_candidates(Selection())) == []
    assert len(statements(captured)) == 6


def test_the_queue_is_filled_only_as_the_workers_empty_it(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "_MAX_QUEUED_CHUNKS", 3)
    monkeypatch.setattr(backfill, "_STUCK_SECONDS", 0.5)
    monkeypatch.setattr(backfill, "_POLL_SECONDS", 0.05)
    stuck = threading.Event()
    queued: list[int] = []
    pieces = [[image.id] for image in uploaded(5)]

    def on_stuck() -> None:
        assert (len(queued), chunks_in_bulk()) == (3, 3)
        stuck.set()
        with Redis.from_url(settings.REDIS_URL) as redis:
            redis.delete(celery_queue.BULK)

    backfill.enqueue_chunks(pieces, None, queued.append, on_stuck)
    assert stuck.is_set()
    assert (len(queued), chunks_in_bulk()) == (5, 2)


def test_an_unreachable_queue_is_reported_in_a_sentence(settings: Any) -> None:
    uploaded()
    resize(settings, small=77)
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    with pytest.raises(CommandError, match="The queue is not reachable"):
        thumbnails()


def test_an_image_that_may_have_killed_its_worker_is_a_chunk_of_its_own() -> None:
    ids = [uuid.uuid4() for _ in range(6)]
    candidates = [Candidate(id_, needs_own_task=place == 2) for place, id_ in enumerate(ids)]
    assert list(chunks(candidates)) == [[ids[2]], [ids[0], ids[1], ids[3], ids[4]], [ids[5]]]


def test_a_failure_is_stored_and_the_other_images_get_their_thumbnails(settings: Any, caplog: Any) -> None:
    first, broken, gone, last = uploaded(4)
    resize(settings, small=77)
    path_of(broken.key).write_bytes(b"no image any more")
    path_of(gone.key).unlink()
    generate_each([image.id for image in (first, broken, gone, last)])
    assert set(Thumbnail.objects.filter(scale=77).values_list("image_id", flat=True)) == {first.id, last.id}
    broken.refresh_from_db()
    gone.refresh_from_db()
    assert broken.thumbs_error_code == "unsupported_type"
    assert gone.original_missing
    assert "Traceback" not in caplog.text


def test_an_unexpected_exception_is_logged_with_its_traceback_and_the_other_images_get_thumbnails(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    first, second = uploaded(2)
    resize(settings, small=77)
    generate = generate_in_worker

    def faulty(image_id: Any, time_limit: Any) -> Any:
        if image_id == first.id:
            raise ZeroDivisionError
        return generate(image_id, time_limit)

    monkeypatch.setattr(generate_chunk, "generate_in_worker", faulty)
    generate_each([first.id, second.id])
    assert Thumbnail.objects.filter(scale=77).count() == 1
    assert "ZeroDivisionError" in caplog.text


def test_a_stopping_worker_queues_the_images_it_has_not_begun(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = uploaded(3)
    resize(settings, small=77)
    monkeypatch.setattr(
        generate_chunk, "worker_is_stopping", lambda: Thumbnail.objects.filter(scale=77).exists()
    )
    generate_each([image.id for image in images])
    assert Thumbnail.objects.filter(scale=77).count() == 1
    assert chunks_in_bulk() == 1
    monkeypatch.setattr(generate_chunk, "worker_is_stopping", lambda: False)
    process_bulk(settings)
    assert Thumbnail.objects.filter(scale=77).count() == 3
