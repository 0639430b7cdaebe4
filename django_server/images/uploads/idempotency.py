"""Idempotency-Key: an upload that comes a second time gets the first answer and stores nothing.

The only writer of `IdempotentRequest`. A row is inserted before anything is stored, and its answer is committed with
the images' rows. Only the database's clock counts. Called by `images.uploads.once`, the uploads and the sweeper.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, DateTimeField, ExpressionWrapper, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from images.deletion import finish_removal
from images.errors import Refusal
from images.models import IdempotentRequest, Image
from images.processing import transitions

KEY_LENGTH = 200
_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Answer:
    """What the first request was answered: an HTTP status and a JSON body."""

    status: int
    body: str


class Hold(Protocol):
    """What an upload does to its key on the way."""

    def confirm(self) -> None:
        """Within the transaction that writes rows before the answer: the key is still held, and for a fresh lease.

        Raises Refusal request_in_progress when a repeat has taken it over: then nothing may be written.
        """

    def remember(self, answer: Answer) -> None:
        """Keep the answer; within the transaction of the rows it tells of. Raises as `confirm` does."""


class NoKey:
    """An upload without a key: nothing is remembered."""

    def confirm(self) -> None: ...

    def remember(self, answer: Answer) -> None: ...


@dataclass(frozen=True)
class Held:
    """One request's hold on a key. `token` tells it from the request that takes over after the lease."""

    token: UUID

    def confirm(self) -> None:
        if not self._under_way().update(lease_until=_lease_end()):
            raise Refusal("request_in_progress")

    def remember(self, answer: Answer) -> None:
        if not self._under_way().update(answer_status=answer.status, answer_body=answer.body):
            raise Refusal("request_in_progress")

    def release(self) -> None:
        """Forget the request, of which nothing is kept: its failure was ours, and a repeat may help."""
        self._under_way().delete()

    def lapse(self) -> None:
        """End the lease: a repeat takes over at once. For a request that can't know whether its rows were written."""
        self._under_way().update(lease_until=Now())

    def _under_way(self) -> QuerySet[IdempotentRequest]:
        return IdempotentRequest.objects.filter(holder=self.token, answer_status=None)


def hold(key: str, endpoint: str, files_digest: str, image_id: UUID | None) -> Held | Answer:
    """Take the key for this request, or get the answer its first one was given. Two statements.

    `image_id` names the row the request will write before it has its answer: whoever takes over removes it.
    Raises Refusal: request_in_progress, key_reused.
    """
    mine = Held(uuid4())
    IdempotentRequest.objects.bulk_create(
        [
            IdempotentRequest(
                key=key,
                endpoint=endpoint,
                files_digest=files_digest,
                holder=mine.token,
                lease_until=_lease_end(),
                image_id=image_id,
            )
        ],
        ignore_conflicts=True,
    )
    ended = ExpressionWrapper(Q(lease_until__lt=Now()), output_field=BooleanField())
    row = IdempotentRequest.objects.filter(key=key, endpoint=endpoint).annotate(lease_ended=ended).first()
    if row is None:
        # Released between the two statements: it is free, and the client is told to come again.
        raise Refusal("request_in_progress")
    if row.holder == mine.token:
        return mine
    if row.files_digest != files_digest:
        raise Refusal("key_reused")
    if row.answer_status is not None:
        return Answer(row.answer_status, row.answer_body)
    if not row.lease_ended:
        raise Refusal("request_in_progress")
    _take_over(row, mine, image_id)
    return mine


def forget_responses(most: int = 1000) -> int:
    """Remove keys that are older than a day, with their answers."""
    too_old = ExpressionWrapper(Now() - _KEPT, output_field=DateTimeField())
    ids = IdempotentRequest.objects.filter(created_at__lt=too_old).order_by("created_at").values_list("id")
    forgotten, _ = IdempotentRequest.objects.filter(id__in=[id_ for (id_,) in ids[:most]]).delete()
    return forgotten


def _take_over(row: IdempotentRequest, mine: Held, image_id: UUID | None) -> None:
    """From a request that died, or is so late that it finds its hold gone. What it had written is removed."""
    with transaction.atomic():
        taken = IdempotentRequest.objects.filter(
            id=row.id, holder=row.holder, answer_status=None, lease_until__lt=Now()
        ).update(holder=mine.token, lease_until=_lease_end(), image_id=image_id)
        if not taken:
            raise Refusal("request_in_progress")
        left = transitions.remove(Image.objects.filter(id=row.image_id)) if row.image_id else []
    finish_removal(left)


def _lease_end() -> Combinable:
    span = timedelta(seconds=settings.IDEMPOTENCY_LEASE_SECONDS)
    return ExpressionWrapper(Now() + span, output_field=DateTimeField())
