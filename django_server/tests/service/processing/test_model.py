"""The protocol against a model of it: any interleaving of its steps, on the real code and database.

Each rule is one step of somebody (a worker, a sweeper, a person; a crash is a step that never comes) and tells the
model what must have come of it; after every step the rows are held against the model.
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
from tests.support.images.closing import all_is_well, work_until_quiet
from tests.support.images.pictures import jpeg, pending_images

pytestmark = pytest.mark.django_db(transaction=True)

_MOST_ATTEMPTS = 3


@dataclass(frozen=True)
class Known:
    """What the model knows of an image."""

    status: str = "pending"
    version: int = 1
    attempts: int = 0
    held_by: UUID | None = None
    expired: bool = False

    def now(self, status: str, **more: Any) -> "Known":
        """The next version of it, in no claim."""
        return replace(
            self, **{"status": status, "version": self.version + 1, "held_by": None, "expired": False, **more}
        )


@dataclass
class Worker:
    """A delivery under way: what it claimed and rendered. It may be late and never learns that it is, or be killed,
    which is the same as never being heard of again."""

    claim: Claim
    rendered: list[Outcome] = field(default_factory=list)


class Queue:
    """Messages in a list, to be taken or lost."""

    def __init__(self) -> None:
        self.messages: list[list[UUID]] = []

    def enqueue(self, ids: Sequence[UUID], *, one_task_each: bool) -> Sequence[UUID]:
        self.messages += [[id_] for id_ in ids] if one_task_each else [list(ids)][: len(ids)]
        return []  # none is left unsent

    def take_all(self) -> list[list[UUID]]:
        taken, self.messages = self.messages, []
        return taken


_some = st.just({0, 1, 2}) | st.sets(st.integers(0, 2), min_size=1)


class Protocol(RuleBasedStateMachine):
    workers = Bundle("workers")
    news = Bundle("news")

    def __init__(self) -> None:
        super().__init__()
        Image.objects.all().delete()
        RemovedImage.objects.all().delete()
        Batch.objects.all().delete()
        _QUEUE.take_all()
        self.known: dict[UUID, Known] = {}
        self.gone: dict[UUID, int] = {}
        self.told: dict[UUID, int] = {}

    @initialize(number=st.integers(2, 3))
    def accept(self, number: int) -> None:
        # In the order of their ids, in which sweepers work: a story must be the same each time it is told.
        self.ids = sorted(image.id for image in pending_images(*[_PICTURE] * number))
        for place, id_ in enumerate(self.ids):
            Image.objects.filter(id=id_).update(uploaded_at=_LONG_AGO + timedelta(seconds=place))
        self.known = {id_: Known() for id_ in self.ids}
        celery_queue.enqueue(self.ids, one_task_each=False)

    def _ids(self, places: set[int]) -> list[UUID]:
        return [self.ids[place] for place in sorted(places) if place < len(self.ids)]

    def _any(self, *statuses: str) -> bool:
        return any(known.status in statuses for known in self.known.values())

    def _holds(self, worker: Worker, id_: UUID) -> bool:
        return id_ in self.known and self.known[id_].held_by == worker.claim.token

    # --- a worker's steps -------------------------------------------------------------------------------------------

    @rule(target=workers, places=_some)
    def claim(self, places: set[int]) -> Any:
        """A message arrives: the right one, one that comes twice, or one that was thought lost."""
        ids = self._ids(places)
        waiting = [id_ for id_ in ids if id_ in self.known and self.known[id_].status == "pending"]
        claim = transitions.claim(ids)
        assert [image["id"] for image in claim.images] == waiting
        for id_ in waiting:
            known = self.known[id_]
            self.known[id_] = known.now("processing", held_by=claim.token, attempts=known.attempts + 1)
        return multiple(*[Worker(claim)][: len(waiting)])

    @rule(target=workers)
    def take_messages(self) -> Any:
        """A good worker takes all that is in the queue."""
        claims = [transitions.claim(ids) for ids in _QUEUE.take_all()]
        for claim in claims:
            for image in claim.images:
                known = self.known[image["id"]]
                assert known.status == "pending"
                self.known[image["id"]] = known.now(
                    "processing", held_by=claim.token, attempts=known.attempts + 1
                )
        return multiple(*[Worker(claim) for claim in claims if claim.images])

    @rule(worker=workers, number=st.integers(1, 3), fails=st.booleans())
    def render(self, worker: Worker, number: int, fails: bool) -> None:
        """The next images of its claim, whether or not the claim still holds."""
        begun = {outcome.image_id for outcome in worker.rendered}
        for image in [image for image in worker.claim.images if image["id"] not in begun][:number]:
            failed = Failed(image["id"], "corrupt_image", "It is damaged.")
            worker.rendered.append(failed if fails else self._render(image))

    def _render(self, image: ImageValues) -> Outcome:
        outcome = render_image(image)
        assert isinstance(outcome, Rendered) or image["id"] in self.gone
        return outcome  # type: ignore[return-value]

    @rule(target=news, worker=workers, renew=st.booleans())
    def flush(self, worker: Worker, renew: bool) -> Any:
        """Only what it still holds is changed, and only that is given back to be told."""
        held = {outcome.image_id for outcome in worker.rendered if self._holds(worker, outcome.image_id)}
        listed = transitions.flush(worker.claim, worker.rendered, renew=renew)
        assert {image["id"] for image, _ in listed} == held
        for outcome in worker.rendered:
            if outcome.image_id in held:
                status = "completed" if isinstance(outcome, Rendered) else "error"
                self.known[outcome.image_id] = self.known[outcome.image_id].now(status)
        if renew:
            for id_, known in self.known.items():
                if self._holds(worker, id_):
                    self.known[id_] = replace(known, expired=False)
        self._are_values_of_now(listed)
        worker.rendered = []
        return multiple(listed) if listed else multiple()

    @rule(target=news, worker=workers, number=st.integers(1, 3), fails=st.booleans(), renew=st.booleans())
    def render_and_flush(self, worker: Worker, number: int, fails: bool, renew: bool) -> Any:
        """Both at once, so that stories get on. Still nobody is told."""
        self.render(worker, number, fails)
        return self.flush(worker, renew)

    @rule(worker=workers, places=_some, postpone=st.booleans())
    def release(self, worker: Worker, places: set[int], postpone: bool) -> None:
        held = [id_ for id_ in self._ids(places) if self._holds(worker, id_)]
        assert sorted(transitions.release(worker.claim, self._ids(places), postpone=postpone)) == sorted(held)
        for id_ in held:
            self.known[id_] = self.known[id_].now("pending", attempts=self.known[id_].attempts - 1)

    # --- telling ----------------------------------------------------------------------------------------------------

    @rule(listed=news)
    def publish_late(self, listed: Sequence[ListedImage]) -> None:
        publish_images(listed)
        self._told({image["id"]: image["version"] for image, _ in listed})

    @precondition(lambda self: not self._any("pending"))
    @rule(places=_some)
    def publish(self, places: set[int]) -> None:
        ids = self._ids(places)
        publish_current_state(ids)
        self._told({id_: self.known[id_].version for id_ in ids if id_ in self.known})

    def _told(self, versions: dict[UUID, int]) -> None:
        for id_, version in versions.items():
            self.told[id_] = max(version, self.told.get(id_, 0))

    # --- sweepers, and time -----------------------------------------------------------------------------------------

    @precondition(lambda self: self._any("processing"))
    @rule(places=_some)
    def leases_end(self, places: set[int]) -> None:
        ids = [id_ for id_ in self._ids(places) if id_ in self.known and self.known[id_].held_by]
        Image.objects.filter(id__in=ids).update(lease_until=Now() - timedelta(seconds=1))
        for id_ in ids:
            self.known[id_] = replace(self.known[id_], expired=True)

    @precondition(lambda self: any(known.expired for known in self.known.values()))
    @rule(most=st.integers(1, 3), die=st.booleans())
    def expire(self, most: int, die: bool) -> None:
        """With `die` the sweeper is killed after its commit, before it queues."""
        due = {id_ for id_, known in self.known.items() if known.expired}
        given_up, waiting = transitions.expire(most)
        found = {*given_up, *waiting}
        assert found <= due
        assert len(found) == min(most, len(due))
        for id_ in found:
            last = self.known[id_].attempts >= _MOST_ATTEMPTS
            assert (id_ in given_up) == last
            self.known[id_] = self.known[id_].now("error" if last else "pending")
        if not die:
            celery_queue.enqueue(waiting, one_task_each=True)

    @precondition(lambda self: self._any("pending"))
    @rule(lost=st.booleans())
    def sweep_the_waiting(self, lost: bool) -> None:
        """With `lost` the queue forgets all it had before."""
        if lost:
            _QUEUE.take_all()
        Image.objects.filter(queued_at__isnull=False).update(queued_at=Now() - timedelta(hours=1))
        assert requeue_pending() == sum(known.status == "pending" for known in self.known.values())

    @precondition(lambda self: not self._any("pending"))
    @rule()
    def sweep_the_untold(self) -> None:
        Image.objects.update(changed_at=Now() - timedelta(seconds=6))
        republish_unannounced()
        self._told({id_: known.version for id_, known in self.known.items()})

    # --- people -----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self._any("error", "aborted"))
    @rule(places=_some)
    def retry(self, places: set[int]) -> None:
        self._moves(places, transitions.retry, {"error", "aborted"}, "pending", attempts=0)

    @precondition(lambda self: self._any("pending", "processing", "error"))
    @rule(place=st.integers(0, 2))
    def abort(self, place: int) -> None:
        self._moves({place}, transitions.abort, {"pending", "processing"}, "aborted")

    def _moves(self, places: set[int], move: Any, from_: set[str], to: str, **more: Any) -> None:
        ids = self._ids(places)
        movable = [id_ for id_ in ids if id_ in self.known and self.known[id_].status in from_]
        assert sorted(move(ids)) == sorted(movable)
        for id_ in movable:
            self.known[id_] = self.known[id_].now(to, **more)

    @precondition(lambda self: len(self.known) > 2)
    @rule(place=st.integers(0, 2), die=st.booleans())
    def delete(self, place: int, die: bool) -> None:
        """With `die` the web process is killed after its commit: its files stay, nobody is told."""
        images = Image.objects.filter(id__in=self._ids({place}))
        if die:
            publish_deletions(transitions.delete(images)[:0])
        else:
            delete_images(images)
        for id_ in self._ids({place}):
            if id_ in self.known:
                self.gone[id_] = self.known.pop(id_).version + 1

    # --- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def the_rows_are_as_the_model_says(self) -> None:
        rows = {row["id"]: row for row in Image.objects.values()}
        found = {
            id_: (row["status"], row["version"], row["attempts"], row["claim"]) for id_, row in rows.items()
        }
        assert found == {
            id_: (known.status, known.version, known.attempts, known.held_by)
            for id_, known in self.known.items()
        }
        told = {id_: row["announced_version"] for id_, row in rows.items()}
        assert told == {id_: self.told.get(id_, 0) for id_ in self.known}
        assert all(row["announced_version"] <= row["version"] for row in rows.values())
        removed = dict(RemovedImage.objects.values_list("image_id", "version"))
        assert removed == self.gone

    @invariant()
    def only_completed_images_have_thumbnails(self) -> None:
        having = set(Thumbnail.objects.values_list("image__status", flat=True))
        assert having <= {Status.COMPLETED}

    def teardown(self) -> None:
        """However it came so far: with sweepers and a good worker everything ends."""
        final = {
            id_ for id_, known in self.known.items() if known.status in ("completed", "error", "aborted")
        }
        work_until_quiet(_QUEUE.take_all)
        all_is_well()
        for row in Image.objects.values("id", "status", "version"):
            known = self.known[row["id"]]
            assert row["version"] == known.version if row["id"] in final else row["version"] > known.version
            assert row["status"] == known.status if row["id"] in final else row["status"] != "aborted"

    def _are_values_of_now(self, listed: Sequence[ListedImage]) -> None:
        for image, thumbnails in listed:
            assert (image["status"], image["version"]) == (
                self.known[image["id"]].status,
                self.known[image["id"]].version,
            )
            assert bool(thumbnails) == (image["status"] == "completed")


_PICTURE = jpeg(32, 20)
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_QUEUE = Queue()


def test_any_interleaving_ends_with_every_image_final_and_no_late_worker_heard(monkeypatch: Any) -> None:
    # The queue and the layer promise nothing, and Redis answering late would make two runs differ.
    monkeypatch.setattr("images.celery_queue.enqueue", _QUEUE.enqueue)
    monkeypatch.setattr("images.celery_queue.is_empty", lambda: not _QUEUE.messages)
    monkeypatch.setattr("images.live.events.publish", bool)  # of news that are some: True
    run_state_machine_as_test(Protocol, settings=search(120, 3.0, stateful_step_count=50))
