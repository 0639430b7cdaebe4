"""Idempotency-Key: a repeated upload gets the response of the first one and stores nothing.

In this module, *key* means the Idempotency-Key, not a storage key, and a *repeat* is a later request with the same key.
`begin` claims the key before anything is stored. `KeyClaim.complete` stores the response in the transaction that
commits the images' rows. Each claim has a lease. After the lease has expired, by the database's clock, a repeat can
take over the key: the first request has probably crashed. Only this module writes `IdempotentRequest`. The upload
routes and the sweeper call it.
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
from images.error_codes import ApiError
from images.http.json_responses import error_response
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
    """The claim of one request on a key. For a request without a key, `token` is None and every method does nothing.

    `token` identifies the holder. A repeat that takes over stores its own token in the row, so the updates of the
    former holder no longer match.
    """

    token: UUID | None

    def renew(self) -> None:
        """Start a new lease.

        If a request must commit an image's row before it has its response, call this in the same transaction.
        Raises ApiError request_in_progress if a repeat has taken over; the transaction must then be rolled back.
        """
        self._update(lease_until=_lease_end())

    def complete(self, response: HttpResponse) -> None:
        """Store the response. Call this inside the transaction that commits the rows that the response describes.

        Raises as `renew` does.
        """
        if self.token is not None:
            self._update(answer_status=response.status_code, answer_body=response.content.decode())

    def release(self) -> None:
        """Delete the claim, so that a repeat can succeed. Call this if nothing of the request is stored."""
        if self.token is not None:
            self._rows_without_response().delete()

    def expire_lease(self) -> None:
        """End the lease now: a repeat can take over. Call this if it is unknown whether the rows were committed."""
        if self.token is not None:
            self._rows_without_response().update(lease_until=Now())

    def _update(self, **values: Any) -> None:
        if self.token is not None and not self._rows_without_response().update(**values):
            raise ApiError("request_in_progress")

    def _rows_without_response(self) -> QuerySet[IdempotentRequest]:
        return IdempotentRequest.objects.filter(holder=cast(UUID, self.token), answer_status=None)


def begin(
    key: str | None, endpoint: str, files: Sequence[SpooledFile], *, image_id: UUID | None = None
) -> KeyClaim | StoredResponse:
    """Claim `key` for a new request. For a repeated request, return the response that is stored for the first one.

    If it returns a stored response or raises, it deletes the spool files (`files`).
    `image_id`: pass it if the request commits its image's row before it has a response (the synchronous upload). If the
    request then crashes, a repeat deletes this image before it stores its own.
    Runs two SQL statements, or none without a key (a test checks this).
    Raises ApiError: request_in_progress, key_reused.
    """
    if key is None:
        return KeyClaim(None)
    try:
        claim = claim_key(key, endpoint, digest_of(files), image_id)
    except BaseException:
        _delete_spool_files(files)
        raise
    if isinstance(claim, StoredResponse):
        _delete_spool_files(files)
    return claim


@contextmanager
def settled_on_failure(claim: KeyClaim) -> Iterator[None]:
    """A block that processes the request. If it raises, the claim is settled as follows, and the error is raised again.

    A 4xx ApiError is stored as the response, because a repeat would be rejected, too. After a 5xx ApiError or an
    unexpected exception, the claim is deleted. After a DatabaseError it is unknown whether the rows were committed. So
    the claim is kept, but its lease expires now and a repeat can take over.
    """
    try:
        yield
    except ApiError as error:
        if error.kind.status >= 500:
            claim.release()
        elif error.code != "request_in_progress":
            claim.complete(error_response(error))
        raise
    except DatabaseError:
        if claim.token is not None:
            # Use a new connection. If the database is still unavailable, the claim stays valid until its lease expires.
            connection.close()
            with suppress(DatabaseError):
                claim.expire_lease()
        raise
    except BaseException:
        claim.release()
        raise


def claim_key(key: str, endpoint: str, files_digest: str, image_id: UUID | None) -> KeyClaim | StoredResponse:
    """As `begin`, but takes the digest of the files (see `digest_of`) and deletes no files."""
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
    expired = ExpressionWrapper(Q(lease_until__lt=Now()), output_field=BooleanField())
    row = IdempotentRequest.objects.filter(key=key, endpoint=endpoint).annotate(lease_expired=expired).first()
    if row is None:
        # Another request had claimed the key, and deleted its claim between the two statements. The client must repeat.
        raise ApiError("request_in_progress")
    if row.holder == token:
        return KeyClaim(token)
    if row.files_digest != files_digest:
        raise ApiError("key_reused")
    if row.answer_status is not None:
        return StoredResponse(row.answer_status, row.answer_body)
    if not row.lease_expired:
        raise ApiError("request_in_progress")
    _take_over(row, token, image_id)
    return KeyClaim(token)


def digest_of(files: Sequence[SpooledFile]) -> str:
    """SHA-256 in hex of the files' names and bytes, in their order. A repeat has the same digest. Pure."""
    # The `sha256` of a file that is too large covers only its beginning. `byte_size` is the full size, so files with
    # the same beginning and different sizes have different digests.
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
    """Take the key from an earlier request whose lease has expired.

    Also deletes the image that the earlier request had committed, if any.
    """
    with transaction.atomic():
        taken = IdempotentRequest.objects.filter(
            id=row.id, holder=row.holder, answer_status=None, lease_until__lt=Now()
        ).update(holder=token, lease_until=_lease_end(), image_id=image_id)
        if not taken:
            raise ApiError("request_in_progress")
        deletions = transitions.delete(Image.objects.filter(id=row.image_id)) if row.image_id else []
    finish_deletion(deletions)


def _lease_end() -> Combinable:
    return from_now(settings.IDEMPOTENCY_LEASE_SECONDS)


def _delete_spool_files(files: Sequence[SpooledFile]) -> None:
    for file in files:
        file.delete()
