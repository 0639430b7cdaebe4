"""ASGI middleware: passes `GET /api/batches/{id}?wait=30` to Django when the batch is final or 30 seconds are over.

A batch is final when all its images are. The wait is in front of Django, because each Django view occupies a thread.
A request with an invalid `wait` is passed on immediately, and Django refuses it. All waiting requests of a process
share one SQL statement every half second.
"""

import asyncio
import re
from collections.abc import Collection
from contextlib import ExitStack
from functools import cache
from typing import cast
from urllib.parse import parse_qs
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, connection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from images.error_codes import ApiError
from images.http.early_response import send_error
from images.models import FINAL_STATUSES, Image, Status

LONGEST_WAIT_SECONDS = 60
POLL_SECONDS = 0.5
# All requests that wait for the same batch continue at the same moment. At most eight at a time are passed to Django,
# because each then needs its own database connection, and PostgreSQL has a hundred.
_CONCURRENT_REQUESTS = 8
_PATH = re.compile(r"/api/batches/([0-9a-fA-F-]{32,36})")
_UNFINISHED = [status for status in Status.values if status not in FINAL_STATUSES]


class LongPollMiddleware:
    """Delays the request, not the response, so that the response describes the state after the wait."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._slots = asyncio.Semaphore(_CONCURRENT_REQUESTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        batch_and_seconds = _parse_wait(scope)
        if batch_and_seconds is None:
            await self.app(scope, receive, send)
            return
        request = await receive()
        disconnected = asyncio.ensure_future(receive())
        wait = asyncio.ensure_future(batch_waits().until_final(*batch_and_seconds))
        try:
            await asyncio.wait([disconnected, wait], return_when=asyncio.FIRST_COMPLETED)
            if disconnected.done():
                return
            if isinstance(wait.exception(), DatabaseError):
                # Respond here, because in Django the request would wait for the same database again.
                await send_error(ApiError("database_unavailable"), receive, send, body_ended=True)
            else:
                await self._pass_on(scope, _replaying(request, disconnected), send)
        finally:
            for task in (disconnected, wait):
                task.cancel()
            await asyncio.gather(disconnected, wait, return_exceptions=True)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to Django. Hold a slot until the response begins, so that a slow client occupies none."""
        await self._slots.acquire()
        slot = ExitStack()
        slot.callback(self._slots.release)

        async def send_on(message: Message) -> None:
            slot.close()
            await send(message)

        with slot:
            await self.app(scope, receive, send_on)


class BatchWaits:
    """The waiting requests of one event loop. Queries the database only while at least one request waits."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], UUID] = {}
        self._polling: asyncio.Task[None] | None = None

    async def until_final(self, batch_id: UUID, seconds: float) -> None:
        """Return when all images of the batch are final, it is deleted, or the time is up. Raises DatabaseError."""
        final: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[final] = batch_id
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        try:
            async with asyncio.timeout(seconds):
                await final
        except TimeoutError:
            pass
        finally:
            del self._waiting[final]

    async def _poll(self) -> None:
        while self._waiting:
            polled = dict(self._waiting)
            try:
                unfinished = await sync_to_async(_query_unfinished, thread_sensitive=False)(
                    set(polled.values())
                )
            except DatabaseError as error:
                for final in self._waiting:
                    if not final.done():
                        final.set_exception(error)
                return
            for final, batch_id in polled.items():
                if batch_id not in unfinished and not final.done():
                    final.set_result(None)
            await asyncio.sleep(POLL_SECONDS)


@cache
def batch_waits() -> BatchWaits:
    """The `BatchWaits` of this process."""
    return BatchWaits()


def unfinished_batches(batch_ids: Collection[UUID]) -> set[UUID]:
    """The batches among `batch_ids` that have an image which is not final. One SQL statement."""
    rows = Image.objects.filter(batch_id__in=batch_ids, status__in=_UNFINISHED).order_by()
    return cast(set[UUID], set(rows.values_list("batch_id", flat=True).distinct()))


def _query_unfinished(batch_ids: Collection[UUID]) -> set[UUID]:
    """`unfinished_batches`, called in a thread. Closes the database connection at the end."""
    close_old_connections()
    try:
        return unfinished_batches(batch_ids)
    finally:
        connection.close()


def _parse_wait(scope: Scope) -> tuple[UUID, int] | None:
    """The batch and the seconds to wait for it. None if the request is not a valid request to wait."""
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["query_string"]:
        return None
    path = _PATH.fullmatch(scope["path"])
    wait = parse_qs(scope["query_string"].decode("latin-1")).get("wait", [""])[-1]
    if path is None or not wait.isascii() or not wait.isdigit() or len(wait) > 2:
        return None
    try:
        batch_id = UUID(path[1])
    except ValueError:
        return None
    return (batch_id, int(wait)) if 0 < int(wait) <= LONGEST_WAIT_SECONDS else None


def _replaying(request: Message, disconnected: "asyncio.Future[Message]") -> Receive:
    """A receive function that first returns `request`, already received, and then the client's next message."""
    replayed = False

    async def receive() -> Message:
        nonlocal replayed
        if replayed:
            return await asyncio.shield(disconnected)
        replayed = True
        return request

    return receive
