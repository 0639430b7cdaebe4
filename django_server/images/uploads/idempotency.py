"""Idempotency-Key: a repeated upload gets the response of the first one and stores nothing.

`begin` claims the key before anything is stored. `KeyClaim.complete` stores the response in the transaction that
commits the images' rows. The claim has a lease (database clock), so that a repeated request can take over from a
request that crashed. *Key* means the Idempotency-Key here, not a storage key. Only this module writes
`IdempotentRequest`. Called by the upload routes and the sweeper. Docstrings give the number of SQL statements, which
tests check.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import orjson
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import BooleanField, DateTimeField, ExpressionWrapper, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.http import HttpResponse

from images.clock import from_now
from images.deletion import finish_deletion
from images.errors import Refusal
from images.http.json_responses import refusal_response
from images.models import IdempotentRequest, Image
from images.processing import transitions
from images.uploads.multipart import SpooledFile

_RETENTION = timedelta(days=1)


@dataclass(frozen=True)
class StoredResponse:
    """The response that the first request got: an HTTP status and a JSON body."""

    status: int
    body: str


@dataclass(frozen=True)
class KeyClaim:
    """One request's claim on its key. `token` differs from the token of a repeat that takes over after the lease.

    For a request without a key, `token` is None and every method does nothing.
    """

    token: UUID | None

    def renew(self) -> None:
        """Start a new lease. Call it in the transaction that inserts an image's row before the response is known.

        Raises Refusal request_in_progress if a repeat has taken over; the transaction must then be rolled back.
        """
        self._update(lease_until=_lease_end())

    def complete(self, response: HttpResponse) -> None:
        """Store the response, in the transaction that commits the rows it describes. Raises as `renew` does."""
        if self.token is not None:
            self._update(answer_status=response.status_code, answer_body=response.content.decode())

    def release(self) -> None:
        """Delete the claim, because nothing of this request is stored. A repeat can then succeed."""
        if self.token is not None:
            self._rows_without_response().delete()

    def end_lease(self) -> None:
        """Let a repeat take over immediately, because this request does not know whether its rows were committed."""
        if self.token is not None:
            self._rows_without_response().update(lease_until=Now())

    def _update(self, **values: Any) -> None:
        if self.token is not None and not self._rows_without_response().update(**values):
            raise Refusal("request_in_progress")

    def _rows_without_response(self) -> QuerySet[IdempotentRequest]:
        return IdempotentRequest.objects.filter(holder=cast(UUID, self.token), answer_status=None)


def begin(
    key: str | None, endpoint: str, files: Sequence[SpooledFile], *, image_id: UUID | None = None
) -> KeyClaim | StoredResponse:
    """Claim `key` for this request, or return the response that the same request got before.

    Unless it returns a claim, it deletes the spool files. `image_id` is the image whose row will be committed before
    the response is known; a repeat that takes over deletes that image. Two statements; none without a key.
    Raises Refusal: request_in_progress, key_reused.
    """
    if key is None:
        return KeyClaim(None)
    try:
        claim = claim_key(key, endpoint, digest_of(files), image_id)
    except BaseException:
        _discard_files(files)
        raise
    if isinstance(claim, StoredResponse):
        _discard_files(files)
    return claim


@contextmanager
def settled_on_failure(claim: KeyClaim) -> Iterator[None]:
    """A block that processes the request. If it raises, the claim is settled as follows, and the error is raised again.

    A refusal of the files (4xx) is stored as the response, because a repeat would be refused, too. After a failure of
    the server the claim is deleted. After a database failure, the rows may or may not be committed: the claim is kept,
    but its lease ends, so that a repeat can take over immediately.
    """
    try:
        yield
    except Refusal as refusal:
        if refusal.kind.status >= 500:
            claim.release()
        elif refusal.code != "request_in_progress":
            claim.complete(refusal_response(refusal))
        raise
    except DatabaseError:
        if claim.token is not None:
            # Use a new connection. If the database is still unavailable, the claim stays valid until its lease ends.
            connection.close()
            with suppress(DatabaseError):
                claim.end_lease()
        raise
    except BaseException:
        claim.release()
        raise


def claim_key(key: str, endpoint: str, files_digest: str, image_id: UUID | None) -> KeyClaim | StoredResponse:
    """As `begin`, for files with this digest. Deletes no files."""
    token = uuid4()
    IdempotentRequest.objects.bulk_create(
        [
            IdempotentRequest(
                key=key,
                endpoint=endpoint,
                files_digest=files_digest,
                holder=token,
                lease_until=_lease_end(),
                image_id=image_id,
            )
        ],
        ignore_conflicts=True,
    )
    ended = ExpressionWrapper(Q(lease_until__lt=Now()), output_field=BooleanField())
    row = IdempotentRequest.objects.filter(key=key, endpoint=endpoint).annotate(lease_ended=ended).first()
    if row is None:
        # The other request released the key between the two statements. The client is asked to repeat.
        raise Refusal("request_in_progress")
    if row.holder == token:
        return KeyClaim(token)
    if row.files_digest != files_digest:
        raise Refusal("key_reused")
    if row.answer_status is not None:
        return StoredResponse(row.answer_status, row.answer_body)
    if not row.lease_ended:
        raise Refusal("request_in_progress")
    _take_over(row, token, image_id)
    return KeyClaim(token)


def digest_of(files: Sequence[SpooledFile]) -> str:
    """SHA-256 in hex of the files' names and bytes, in their order. A repeat of a request has the same digest. Pure."""
    # The sizes are included because only the first bytes of a too large file were hashed.
    return hashlib.sha256(
        orjson.dumps([[file.name, file.sha256, file.byte_size] for file in files])
    ).hexdigest()


def delete_expired_keys(limit: int = 1000) -> int:
    """Delete at most `limit` keys older than a day, with their responses. Returns the number of deleted keys."""
    too_old = ExpressionWrapper(Now() - _RETENTION, output_field=DateTimeField())
    ids = IdempotentRequest.objects.filter(created_at__lt=too_old).order_by("created_at").values_list("id")
    deleted, _ = IdempotentRequest.objects.filter(id__in=[id_ for (id_,) in ids[:limit]]).delete()
    return deleted


def _take_over(row: IdempotentRequest, token: UUID, image_id: UUID | None) -> None:
    """Take the key from a request whose lease has ended, and delete the image that this request had committed."""
    with transaction.atomic():
        taken = IdempotentRequest.objects.filter(
            id=row.id, holder=row.holder, answer_status=None, lease_until__lt=Now()
        ).update(holder=token, lease_until=_lease_end(), image_id=image_id)
        if not taken:
            raise Refusal("request_in_progress")
        deletions = transitions.delete(Image.objects.filter(id=row.image_id)) if row.image_id else []
    finish_deletion(deletions)


def _lease_end() -> Combinable:
    return from_now(settings.IDEMPOTENCY_LEASE_SECONDS)


def _discard_files(files: Sequence[SpooledFile]) -> None:
    for file in files:
        file.discard()
