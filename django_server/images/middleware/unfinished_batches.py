"""Waiting for batches without holding a thread: one statement every half second tells all who wait in this process.

Called by `images.middleware.long_poll` on the event loop.
"""

import asyncio
from collections.abc import Collection
from functools import cache
from typing import cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, connection

from images.models import FINAL_STATUSES, Image, Status

POLL_SECONDS = 0.5
_UNFINISHED = [status for status in Status.values if status not in FINAL_STATUSES]


def unfinished(batch_ids: Collection[UUID]) -> set[UUID]:
    """Those of the batches that have an image which is not final. One statement."""
    rows = Image.objects.filter(batch_id__in=batch_ids, status__in=_UNFINISHED).order_by()
    return cast(set[UUID], set(rows.values_list("batch_id", flat=True).distinct()))


class Waiters:
    """Who waits for which batch. Asks only while somebody waits. Belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], UUID] = {}
        self._asking: asyncio.Task[None] | None = None

    async def until_final(self, batch_id: UUID, seconds: float) -> None:
        """Returns when all images of the batch are final, it is gone, or the time is up. Raises DatabaseError."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[told] = batch_id
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            async with asyncio.timeout(seconds):
                await told
        except TimeoutError:
            pass
        finally:
            del self._waiting[told]

    async def _ask(self) -> None:
        while self._waiting:
            asked = dict(self._waiting)
            try:
                still = await sync_to_async(_ask_once, thread_sensitive=False)(set(asked.values()))
            except DatabaseError as error:
                for told in self._waiting:
                    if not told.done():
                        told.set_exception(error)
                return
            for told, batch_id in asked.items():
                if batch_id not in still and not told.done():
                    told.set_result(None)
            await asyncio.sleep(POLL_SECONDS)


@cache
def waiters() -> Waiters:
    """This process's."""
    return Waiters()


def _ask_once(batch_ids: Collection[UUID]) -> set[UUID]:
    close_old_connections()
    try:
        return unfinished(batch_ids)
    finally:
        connection.close()
