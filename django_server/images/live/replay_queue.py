"""What one client is to be shown from the database, one thing after the other, as fast as it takes it.

Used by `connection`. Reads on threads of its own: the event loop never waits for the database.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from channels.db import database_sync_to_async

from images.live.protocol import Subscribe
from images.live.replays import Replay, batch_snapshot, changes_since, jobs_snapshot
from images.live.sender import Speaker

# Further subscribe frames wait on the wire until these have been shown.
MOST_WAITING = 32

# Few, so that a thousand clients coming back at once don't take a thousand database connections.
_readers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="replay")

Value = TypeVar("Value")


class ReplayQueue:
    """What was put before the client was told to start anew is not shown any more: it will ask again."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._waiting: asyncio.Queue[tuple[int, Replay]] = asyncio.Queue(MOST_WAITING)

    async def put(self, request: Subscribe) -> None:
        """Puts what the request is to be shown in line; waits while the line is too long."""
        topics = request.topics
        if topics.batch_id is not None:
            await self._waiting.put((self._speaker.losses, batch_snapshot(topics.batch_id)))
        if topics.job_ids:
            await self._waiting.put((self._speaker.losses, jobs_snapshot(topics.job_ids)))
        if request.since is not None:
            await self._waiting.put((self._speaker.losses, changes_since(request.since)))

    async def run(self) -> None:
        """Shows what is put, for ever.

        Raises: django.db.DatabaseError.
        """
        while True:
            losses, replay = await self._waiting.get()
            while losses == self._speaker.losses:
                part = await read(partial(next, replay, None))
                if part is None:
                    break
                if isinstance(part, str):
                    self._speaker.say_text(part)
                else:
                    self._speaker.tell_again(part)
                await self._speaker.until_little_waits()


async def read(ask: Callable[[], Value]) -> Value:
    """Asks the database on a thread that gives its connection back."""
    value: Value = await database_sync_to_async(ask, thread_sensitive=False, executor=_readers)()
    return value
