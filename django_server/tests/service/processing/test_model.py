"""The processing protocol compared with a model: any interleaving of its steps, on the real code and database.

Each rule executes one step of a worker, a sweeper or a user, and updates the model with the expected result. A crash
is a step that is never executed. After every step the rows are compared with the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models.functions import Now
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from images import celery_queue
from images.deletion import delete_images
from images.models import Batch, Image, RemovedImage, Status, Thumbnail
from images.processing import transitions
from images.processing.outcomes import Failed, Outcome, Rendered
from images.processing.publish import publish_current_state, publish_deletions, publish_images
from images.processing.recovery import republish_unannounced, requeue_pending
from images.processing.render_image import render_image
from images.processing.transitions import Claim
from images.row_values import ImageValues, ListedImage
from tests.support.fuzz.effort import search
from tests.support.images.closing import process_until_final, require_invariants
from tests.support.images.pictures import jpeg, pending_images

pytestmark = pytest.mark.django_db(transaction=True)

_MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Expected:
    """The expected state of an image."""

    status: str = "pending"
    version: int = 1
    attempts: int = 0
    claimed_by: UUID | None = None
    expired: bool = False

    def changed_to(self, status: str, **more: Any) -> "Expected":
        """The next version of the image, without a claim."""
        return replace(
            self,
            **{"status": status, "version": self.version + 1, "claimed_by": None, "expired": False, **more},
        )


@dataclass
class Worker:
    """A task in progress: its claim and what it has rendered. Its lease may have expired without its knowledge.
    A killed worker executes no further step."""

    claim: Claim
    rendered: list[Outcome] = field(default_factory=list)


class Queue:
    """Queue messages in a list, which workers take or a crash loses."""

    def __init__(self) -> None:
        self.messages: list[list[UUID]] = []

    def enqueue(self, ids: Sequence[UUID], *, one_task_each: bool) -> Sequence[UUID]:
        self.messages += [[id_] for id_ in ids] if one_task_each else [list(ids)][: len(ids)]
        return []  # none is left unsent

    def take_all(self) -> list[list[UUID]]:
        taken, self.messages = self.messages, []
        return taken


_places = st.just({0, 1, 2}) | st.sets(st.integers(0, 2), min_size=1)


class Protocol(RuleBasedStateMachine):
    workers = Bundle("workers")
    flushed = Bundle("flushed")

    def __init__(self) -> None:
        super().__init__()
        Image.objects.all().delete()
        RemovedImage.objects.all().delete()
        Batch.objects.all().delete()
        _QUEUE.take_all()
        self.expected: dict[UUID, Expected] = {}
        self.deleted: dict[UUID, int] = {}
        self.announced: dict[UUID, int] = {}

    @initialize(number=st.integers(2, 3))
    def accept(self, number: int) -> None:
        # Sorted by id, like the sweepers' updates: the same steps must have the same result in each run.
        self.ids = sorted(image.id for image in pending_images(*[_PICTURE] * number))
        for place, id_ in enumerate(self.ids):
            Image.objects.filter(id=id_).update(uploaded_at=_LONG_AGO + timedelta(seconds=place))
        self.expected = {id_: Expected() for id_ in self.ids}
        celery_queue.enqueue(self.ids, one_task_each=False)

    def _ids(self, places: set[int]) -> list[UUID]:
        return [self.ids[place] for place in sorted(places) if place < len(self.ids)]

    def _any(self, *statuses: str) -> bool:
        return any(expected.status in statuses for expected in self.expected.values())

    def _has_claimed(self, worker: Worker, id_: UUID) -> bool:
        return id_ in self.expected and self.expected[id_].claimed_by == worker.claim.token

    # --- a worker's steps -------------------------------------------------------------------------------------------

    @rule(target=workers, places=_places)
    def claim(self, places: set[int]) -> Any:
        """A worker gets a message: a new one, a repeated one, or one that was considered lost."""
        ids = self._ids(places)
        pending = [id_ for id_ in ids if id_ in self.expected and self.expected[id_].status == "pending"]
        claim = transitions.claim(ids)
        assert [image["id"] for image in claim.images] == pending
        for id_ in pending:
            expected = self.expected[id_]
            self.expected[id_] = expected.changed_to(
                "processing", claimed_by=claim.token, attempts=expected.attempts + 1
            )
        return multiple(*[Worker(claim)][: len(pending)])

    @rule(target=workers)
    def take_messages(self) -> Any:
        """Workers take all messages of the queue."""
        claims = [transitions.claim(ids) for ids in _QUEUE.take_all()]
        for claim in claims:
            for image in claim.images:
                expected = self.expected[image["id"]]
                assert expected.status == "pending"
                self.expected[image["id"]] = expected.changed_to(
                    "processing", claimed_by=claim.token, attempts=expected.attempts + 1
                )
        return multiple(*[Worker(claim) for claim in claims if claim.images])

    @rule(worker=workers, number=st.integers(1, 3), fails=st.booleans())
    def render(self, worker: Worker, number: int, fails: bool) -> None:
        """A worker renders the next images of its claim, whether or not the claim is still valid."""
        begun = {outcome.image_id for outcome in worker.rendered}
        for image in [image for image in worker.claim.images if image["id"] not in begun][:number]:
            failed = Failed(image["id"], "corrupt_image", "It is damaged.")
            worker.rendered.append(failed if fails else self._render(image))

    def _render(self, image: ImageValues) -> Outcome:
        outcome = render_image(image)
        assert isinstance(outcome, Rendered) or image["id"] in self.deleted
        return outcome  # type: ignore[return-value]

    @rule(target=flushed, worker=workers, renew=st.booleans())
    def flush(self, worker: Worker, renew: bool) -> Any:
        """A flush changes and returns only images that the worker still has claimed."""
        claimed = {
            outcome.image_id for outcome in worker.rendered if self._has_claimed(worker, outcome.image_id)
        }
        listed = transitions.flush(worker.claim, worker.rendered, renew=renew)
        assert {image["id"] for image, _ in listed} == claimed
        for outcome in worker.rendered:
            if outcome.image_id in claimed:
                status = "completed" if isinstance(outcome, Rendered) else "error"
                self.expected[outcome.image_id] = self.expected[outcome.image_id].changed_to(status)
        if renew:
            for id_, expected in self.expected.items():
                if self._has_claimed(worker, id_):
                    self.expected[id_] = replace(expected, expired=False)
        self._require_current_values(listed)
        worker.rendered = []
        return multiple(listed) if listed else multiple()

    @rule(target=flushed, worker=workers, number=st.integers(1, 3), fails=st.booleans(), renew=st.booleans())
    def render_and_flush(self, worker: Worker, number: int, fails: bool, renew: bool) -> Any:
        """Both steps in one, so that more images become final. No event is published yet."""
        self.render(worker, number, fails)
        return self.flush(worker, renew)

    @rule(worker=workers, places=_places, postpone=st.booleans())
    def release(self, worker: Worker, places: set[int], postpone: bool) -> None:
        claimed = [id_ for id_ in self._ids(places) if self._has_claimed(worker, id_)]
        assert sorted(transitions.release(worker.claim, self._ids(places), postpone=postpone)) == sorted(
            claimed
        )
        for id_ in claimed:
            self.expected[id_] = self.expected[id_].changed_to(
                "pending", attempts=self.expected[id_].attempts - 1
            )

    # --- publishing -------------------------------------------------------------------------------------------------

    @rule(listed=flushed)
    def publish_late(self, listed: Sequence[ListedImage]) -> None:
        publish_images(listed)
        self._expect_announced({image["id"]: image["version"] for image, _ in listed})

    @precondition(lambda self: not self._any("pending"))
    @rule(places=_places)
    def publish(self, places: set[int]) -> None:
        ids = self._ids(places)
        publish_current_state(ids)
        self._expect_announced({id_: self.expected[id_].version for id_ in ids if id_ in self.expected})

    def _expect_announced(self, versions: dict[UUID, int]) -> None:
        for id_, version in versions.items():
            self.announced[id_] = max(version, self.announced.get(id_, 0))

    # --- sweepers, and time -----------------------------------------------------------------------------------------

    @precondition(lambda self: self._any("processing"))
    @rule(places=_places)
    def expire_leases(self, places: set[int]) -> None:
        ids = [id_ for id_ in self._ids(places) if id_ in self.expected and self.expected[id_].claimed_by]
        Image.objects.filter(id__in=ids).update(lease_until=Now() - timedelta(seconds=1))
        for id_ in ids:
            self.expected[id_] = replace(self.expected[id_], expired=True)

    @precondition(lambda self: any(expected.expired for expected in self.expected.values()))
    @rule(limit=st.integers(1, 3), crash=st.booleans())
    def expire(self, limit: int, crash: bool) -> None:
        """With `crash` the sweeper is killed after its commit, before it queues the images."""
        due = {id_ for id_, expected in self.expected.items() if expected.expired}
        given_up, pending = transitions.expire(limit)
        found = {*given_up, *pending}
        assert found <= due
        assert len(found) == min(limit, len(due))
        for id_ in found:
            last = self.expected[id_].attempts >= _MAX_ATTEMPTS
            assert (id_ in given_up) == last
            self.expected[id_] = self.expected[id_].changed_to("error" if last else "pending")
        if not crash:
            celery_queue.enqueue(pending, one_task_each=True)

    @precondition(lambda self: self._any("pending"))
    @rule(lost=st.booleans())
    def sweep_pending(self, lost: bool) -> None:
        """With `lost` the queue has lost its messages."""
        if lost:
            _QUEUE.take_all()
        Image.objects.filter(queued_at__isnull=False).update(queued_at=Now() - timedelta(hours=1))
        assert requeue_pending() == sum(expected.status == "pending" for expected in self.expected.values())

    @precondition(lambda self: not self._any("pending"))
    @rule()
    def sweep_unannounced(self) -> None:
        Image.objects.update(changed_at=Now() - timedelta(seconds=6))
        republish_unannounced()
        self._expect_announced({id_: expected.version for id_, expected in self.expected.items()})

    # --- users ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self._any("error", "aborted"))
    @rule(places=_places)
    def retry(self, places: set[int]) -> None:
        self._moves(places, transitions.retry, {"error", "aborted"}, "pending", attempts=0)

    @precondition(lambda self: self._any("pending", "processing", "error"))
    @rule(place=st.integers(0, 2))
    def abort(self, place: int) -> None:
        self._moves({place}, transitions.abort, {"pending", "processing"}, "aborted")

    def _moves(self, places: set[int], move: Any, from_: set[str], to: str, **more: Any) -> None:
        ids = self._ids(places)
        movable = [id_ for id_ in ids if id_ in self.expected and self.expected[id_].status in from_]
        assert sorted(move(ids)) == sorted(movable)
        for id_ in movable:
            self.expected[id_] = self.expected[id_].changed_to(to, **more)

    @precondition(lambda self: len(self.expected) > 2)
    @rule(place=st.integers(0, 2), crash=st.booleans())
    def delete(self, place: int, crash: bool) -> None:
        """With `crash` the web process is killed after its commit: the files stay, and no event is published."""
        images = Image.objects.filter(id__in=self._ids({place}))
        if crash:
            publish_deletions(transitions.delete(images)[:0])
        else:
            delete_images(images)
        for id_ in self._ids({place}):
            if id_ in self.expected:
                self.deleted[id_] = self.expected.pop(id_).version + 1

    # --- invariants -------------------------------------------------------------------------------------------------

    @invariant()
    def rows_equal_the_model(self) -> None:
        rows = {row["id"]: row for row in Image.objects.values()}
        found = {
            id_: (row["status"], row["version"], row["attempts"], row["claim"]) for id_, row in rows.items()
        }
        assert found == {
            id_: (expected.status, expected.version, expected.attempts, expected.claimed_by)
            for id_, expected in self.expected.items()
        }
        announced = {id_: row["announced_version"] for id_, row in rows.items()}
        assert announced == {id_: self.announced.get(id_, 0) for id_ in self.expected}
        assert all(row["announced_version"] <= row["version"] for row in rows.values())
        removed = dict(RemovedImage.objects.values_list("image_id", "version"))
        assert removed == self.deleted

    @invariant()
    def only_completed_images_have_thumbnails(self) -> None:
        having = set(Thumbnail.objects.values_list("image__status", flat=True))
        assert having <= {Status.COMPLETED}

    def teardown(self) -> None:
        """After any sequence of steps, sweeping and processing make every image final."""
        final = {
            id_
            for id_, expected in self.expected.items()
            if expected.status in ("completed", "error", "aborted")
        }
        process_until_final(_QUEUE.take_all)
        require_invariants()
        for row in Image.objects.values("id", "status", "version"):
            expected = self.expected[row["id"]]
            assert (
                row["version"] == expected.version
                if row["id"] in final
                else row["version"] > expected.version
            )
            assert row["status"] == expected.status if row["id"] in final else row["status"] != "aborted"

    def _require_current_values(self, listed: Sequence[ListedImage]) -> None:
        for image, thumbnails in listed:
            assert (image["status"], image["version"]) == (
                self.expected[image["id"]].status,
                self.expected[image["id"]].version,
            )
            assert bool(thumbnails) == (image["status"] == "completed")


_PICTURE = jpeg(32, 20)
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_QUEUE = Queue()


def test_any_interleaving_makes_every_image_final_and_late_workers_change_nothing(monkeypatch: Any) -> None:
    # The queue and the channel layer guarantee nothing, and slow responses of Redis would make two runs differ.
    monkeypatch.setattr("images.celery_queue.enqueue", _QUEUE.enqueue)
    monkeypatch.setattr("images.celery_queue.is_empty", lambda: not _QUEUE.messages)
    monkeypatch.setattr("images.live.events.publish", bool)  # True if there are events
    run_state_machine_as_test(Protocol, settings=search(60, 3.0, stateful_step_count=50))
