"""ASGI middleware: `GET /api/batches/{id}?wait=30` goes on to Django when the batch is final, or the time is up.

In front of Django, whose views hold a thread each. What can't be understood goes on at once: Django refuses it.
"""

import asyncio
import re
from contextlib import ExitStack
from urllib.parse import parse_qs
from uuid import UUID

from django.db import DatabaseError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from images.errors import Refusal
from images.http.early_response import send_refusal
from images.middleware.unfinished_batches import waiters

LONGEST_WAIT_SECONDS = 60
# All who wait for a batch are told of its end at once. So many then ask the database at a time: each on a connection
# of its own, of which PostgreSQL has a hundred.
_AT_ONCE = 8
_PATH = re.compile(r"/api/batches/([0-9a-fA-F-]{32,36})")


class LongPollMiddleware:
    """Holds the request, not the answer: what is told is the state after the wait."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = _wanted(scope)
        if wanted is None:
            await self.app(scope, receive, send)
            return
        request = await receive()
        leaving = asyncio.ensure_future(receive())
        waiting = asyncio.ensure_future(waiters().until_final(*wanted))
        try:
            await asyncio.wait([leaving, waiting], return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                return
            if isinstance(waiting.exception(), DatabaseError):
                # Said now: Django would find the same out a second time.
                await send_refusal(Refusal("database_unavailable"), receive, send, body_ended=True)
            else:
                await self._in_turn(scope, _replaying(request, leaving), send)
        finally:
            for task in (leaving, waiting):
                task.cancel()
            await asyncio.gather(leaving, waiting, return_exceptions=True)

    async def _in_turn(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A turn ends where the answer begins: who reads that slowly keeps nobody waiting."""
        await self._turns.acquire()
        turn = ExitStack()
        turn.callback(self._turns.release)

        async def send_on(message: Message) -> None:
            turn.close()
            await send(message)

        with turn:
            await self.app(scope, receive, send_on)


def _wanted(scope: Scope) -> tuple[UUID, int] | None:
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


def _replaying(request: Message, leaving: "asyncio.Future[Message]") -> Receive:
    """What the application hears: the request that was taken already, then what the client does next."""
    said = False

    async def receive() -> Message:
        nonlocal said
        if said:
            return await asyncio.shield(leaving)
        said = True
        return request

    return receive
