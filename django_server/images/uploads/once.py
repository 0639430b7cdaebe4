"""Uploads with an Idempotency-Key: done once, answered as often as asked. Called by `images.api.uploads`."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated
from uuid import UUID

import orjson
from django.db import DatabaseError, connection
from django.http import HttpResponse
from ninja import Header

from images.errors import Refusal
from images.http.json_responses import json_text_answer, refusal_answer
from images.uploads.idempotency import KEY_LENGTH, Answer, Hold, NoKey, hold
from images.uploads.multipart import SpooledFile

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=KEY_LENGTH,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",  # no control characters
        description="A repeat with the same key and files gets the first answer, for a day, and stores nothing.",
    ),
]


def answer_once(
    key: str | None,
    endpoint: str,
    files: Sequence[SpooledFile],
    work: Callable[[Hold], HttpResponse],
    *,
    image_id: UUID | None = None,
) -> HttpResponse:
    """The answer of `work`, or the one that the same request got before; then the files are discarded.

    `work` remembers its own success with its rows. A refusal that no repeat can change (4xx) is remembered here; after
    a failure of ours the key is free again. Raises Refusal as `work` does, and request_in_progress, key_reused.
    """
    if key is None:
        return work(NoKey())
    try:
        held = hold(key, endpoint, digest_of(files), image_id)
    except BaseException:
        _discard(files)
        raise
    if isinstance(held, Answer):
        _discard(files)
        return json_text_answer(held.body, held.status)
    try:
        return work(held)
    except Refusal as refusal:
        if refusal.kind.status >= 500:
            held.release()
            raise
        if refusal.code == "request_in_progress":
            raise
        answer = refusal_answer(refusal)
        held.remember(as_remembered(answer))
        return answer
    except DatabaseError:
        # On a new connection; while the database is away the key stays held until its lease ends.
        connection.close()
        with suppress(DatabaseError):
            held.lapse()
        raise
    except BaseException:
        held.release()
        raise


def digest_of(files: Sequence[SpooledFile]) -> str:
    """What makes two requests the same: the files' names and bytes, in their order. Pure."""
    # The size too: of a file that is too large only the first bytes were hashed.
    return hashlib.sha256(
        orjson.dumps([[file.name, file.sha256, file.byte_size] for file in files])
    ).hexdigest()


def as_remembered(answer: HttpResponse) -> Answer:
    """The answer as it is kept."""
    return Answer(answer.status_code, answer.content.decode())


def _discard(files: Sequence[SpooledFile]) -> None:
    for file in files:
        file.discard()
