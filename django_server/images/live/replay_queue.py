"""The queue of replays that one client has requested, sent one after another, as fast as the client reads.

Used by `consumers`. Database queries run on reader threads, so the event loop never waits for the database.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from channels.db import database_sync_to_async

from images.live.bounded_sender import Sender
from images.live.protocol import Subscribe
from images.live.replays import Replay, batch_snapshot, changes_since, jobs_snapshot

# The size of the queue. While it is full, no further frame of the client is handled.
MAX_PENDING = 32

# Few threads, so that a thousand clients that reconnect together do not open a thousand database connections.
_readers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="replay")

Value = TypeVar("Value")


class ReplayQueue:
    """Drops replays that were requested before a resync, because the client will subscribe again."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._pending: asyncio.Queue[tuple[int, Replay]] = asyncio.Queue(MAX_PENDING)

    async def put(self, request: Subscribe) -> None:
        """Enqueues the replays that the frame requests; waits while the queue is full."""
        topics = request.topics
        if topics.batch_id is not None:
            await self._pending.put((self._sender.resync_count, batch_snapshot(topics.batch_id)))
        if topics.job_ids:
            await self._pending.put((self._sender.resync_count, jobs_snapshot(topics.job_ids)))
        if request.since is not None:
            await self._pending.put((self._sender.resync_count, changes_since(request.since)))

    async def run(self) -> None:
        """Sends the replays until the task is cancelled.

        Raises: django.db.DatabaseError.
        """
        while True:
            resync_count, replay = await self._pending.get()
            while resync_count == self._sender.resync_count:
                part = await run_query(partial(next, replay, None))
                if part is None:
                    break
                if isinstance(part, str):
                    self._sender.send_encoded(part)
                else:
                    self._sender.send_replayed(part)
                await self._sender.wait_until_buffer_low()


async def run_query(query: Callable[[], Value]) -> Value:
    """Runs `query` on a reader thread, which closes old database connections before and after."""
    value: Value = await database_sync_to_async(query, thread_sensitive=False, executor=_readers)()
    return value
