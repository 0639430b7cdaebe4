"""One stretch of hearing the channel layer without a gap: opened, joined to groups, left for good at the first trouble.

The layer reconnects by itself and says nothing of what it missed, so a reconnection ends a session like any failure;
`hub` then opens the next one and tells everybody to look at the truth again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from images.live.events import LAYER_ERRORS, Item, items_of, open_layer, send_probe

# A half-open connection shows itself within so long, plus what the probe may take.
PROBE_SECONDS = 5.0
PROBE_TRIES = 3
PROBE_WAIT_SECONDS = 0.5
# Connecting and subscribing, with Redis frozen in the middle of it.
OPEN_SECONDS = 2.0


class LayerSession:
    """`on_news` is called with a group and its items, on the loop; it must not wait."""

    def __init__(self, on_news: Callable[[str, list[Item]], None]) -> None:
        self._on_news = on_news
        self._layer = open_layer(self._connected)
        self._channel = ""
        self._groups: set[str] = set()
        self._probes: dict[str, asyncio.Future[None]] = {}
        self._connections = 0
        self._trouble = asyncio.Event()
        self._receiving: asyncio.Task[None] | None = None

    async def open(self, groups: Sequence[str]) -> None:
        """Joins `groups`; returns when all are known to be heard.

        Raises: one of LAYER_ERRORS.
        """
        async with asyncio.timeout(OPEN_SECONDS):
            self._channel = await self._layer.new_channel()
            for group in groups:
                await self._layer.group_add(group, self._channel)
                self._groups.add(group)
        self._receiving = asyncio.create_task(self._receive())
        self._receiving.add_done_callback(lambda _: self.fail())
        # Subscriptions are made in order on one connection: the last one heard, all are.
        await self._confirm(groups[-1] if groups else await self._probe_group())

    async def join(self, group: str) -> None:
        """Returns when the group is known to be heard: what is published from now on arrives.

        Raises: one of LAYER_ERRORS, after which this session is in trouble.
        """
        if group in self._groups:
            return
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._layer.group_add(group, self._channel)
            await self._confirm(group)
        except LAYER_ERRORS:
            self.fail()
            raise
        self._groups.add(group)

    async def leave(self, group: str) -> None:
        """Hears no more of the group. Never raises: what is heard in vain does no harm."""
        self._groups.discard(group)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._layer.group_discard(group, self._channel)
        except LAYER_ERRORS:
            self.fail()

    async def until_trouble(self) -> None:
        """Returns when something may have been missed."""
        while not self._trouble.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await self._trouble.wait()
                    return
            try:
                await self._confirm(await self._probe_group())
            except LAYER_ERRORS:
                return

    def fail(self) -> None:
        """Something may have been missed."""
        self._trouble.set()

    async def close(self) -> None:
        """Ends the connections to Redis."""
        with contextlib.suppress(*LAYER_ERRORS):
            async with asyncio.timeout(OPEN_SECONDS):
                await self._layer.flush()
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.wait([self._receiving])

    async def _probe_group(self) -> str:
        """A group of this session alone, through which it can hear itself."""
        group = f"probe.{self._channel}"
        if group not in self._groups:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._layer.group_add(group, self._channel)
            self._groups.add(group)
        return group

    async def _confirm(self, group: str) -> None:
        """Returns when a message published to the group has come back.

        Raises: one of LAYER_ERRORS.
        """
        token = uuid4().hex
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._probes[token] = arrived
        try:
            for _ in range(PROBE_TRIES):
                await send_probe(group, token)
                with contextlib.suppress(TimeoutError):
                    return await asyncio.wait_for(asyncio.shield(arrived), PROBE_WAIT_SECONDS)
            raise TimeoutError("A message sent to the channel layer did not come back.")
        finally:
            del self._probes[token]
            arrived.cancel()

    def _connected(self) -> None:
        self._connections += 1
        if self._connections > 1:
            self.fail()

    async def _receive(self) -> None:
        """Takes each message off the layer's unbounded queue at once, whatever the listeners do."""
        while True:
            self._take(await self._layer.receive(self._channel))

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "news":
            self._on_news(message["group"], items_of(message))
        elif (arrived := self._probes.get(message["token"])) and not arrived.done():
            arrived.set_result(None)
