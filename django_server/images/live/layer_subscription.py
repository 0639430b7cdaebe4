"""One gapless subscription to groups of the channel layer, from opening it until events may have been missed.

The layer reconnects by itself and does not report what it missed. A reconnection therefore ends a subscription as any
failure does: `hub`, the only caller, opens the next one and asks all clients to subscribe again.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence
from uuid import uuid4

from images.live.channel_layer import LAYER_ERRORS, close_layer, create_layer, host_count
from images.live.events import EventFrame, ForeignMessageError, probe_token, received_events, send_probe

logger = logging.getLogger(__name__)

# A half-open connection is noticed within this time, plus PROBE_TRIES * PROBE_WAIT_SECONDS.
PROBE_SECONDS = 5.0
PROBE_TRIES = 3
PROBE_WAIT_SECONDS = 0.5
# For connecting and subscribing, in case Redis freezes in between.
OPEN_SECONDS = 2.0


class LayerSubscription:
    """`on_events` is called with a group and its events, on the event loop; it must not block."""

    def __init__(self, on_events: Callable[[str, list[EventFrame]], None]) -> None:
        self._on_events = on_events
        self._layer = create_layer(self.fail)
        self._channel = ""
        self._groups: set[str] = set()
        self._probe_group = f"probe.{uuid4().hex}"
        self._probes: dict[str, asyncio.Future[None]] = {}
        self._failed = asyncio.Event()
        self._receiving: asyncio.Task[None] | None = None
        self._foreign_logged = False

    async def open(self, groups: Sequence[str]) -> None:
        """Subscribes to `groups`; returns when all subscriptions are known to work.

        Raises: one of LAYER_ERRORS.
        """
        every_group = [self._probe_group, *groups]
        async with asyncio.timeout(OPEN_SECONDS):
            self._channel = await self._layer.new_channel()
            for group in every_group:
                await self._layer.group_add(group, self._channel)
                self._groups.add(group)
        self._receiving = asyncio.create_task(self._receive())
        self._receiving.add_done_callback(self._receiving_ended)
        # One connection subscribes in order: once the last subscription works, all do.
        for group in every_group if host_count() > 1 else every_group[-1:]:
            await self._confirm(group)

    async def add(self, group: str) -> None:
        """Returns when the subscription is known to work: every event published from now on is received.

        Raises: one of LAYER_ERRORS, after which this subscription has failed.
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

    async def discard(self, group: str) -> None:
        """Unsubscribes from the group. Never raises: an event too many does no harm."""
        self._groups.discard(group)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._layer.group_discard(group, self._channel)
        except LAYER_ERRORS:
            self.fail()

    async def until_failure(self) -> None:
        """Returns when events may have been missed."""
        while not self._failed.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await self._failed.wait()
                    return
            try:
                await self._confirm(self._group_to_probe())
            except LAYER_ERRORS:
                return

    def fail(self) -> None:
        """Marks that events may have been missed."""
        self._failed.set()

    async def close(self) -> None:
        """Closes the connections to Redis."""
        with contextlib.suppress(*LAYER_ERRORS):
            async with asyncio.timeout(OPEN_SECONDS):
                await close_layer(self._layer)
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.wait([self._receiving])

    def _group_to_probe(self) -> str:
        """With several Redis hosts, any group, so that each host's connection is probed now and then."""
        if host_count() == 1:
            return self._probe_group
        return random.choice(tuple(self._groups))  # noqa: S311  no secret

    async def _confirm(self, group: str) -> None:
        """Returns when a message published to the group has been received.

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
            raise TimeoutError("A message sent to the channel layer was not received.")
        finally:
            del self._probes[token]
            arrived.cancel()

    async def _receive(self) -> None:
        """Takes each message off the layer's unbounded queue immediately, however slow the clients are."""
        while True:
            try:
                self._take(await self._layer.receive(self._channel))
            except (
                ForeignMessageError,
                ValueError,
            ) as error:  # ValueError: the layer cannot decode the message
                if not self._foreign_logged:
                    self._foreign_logged = True
                    logger.warning("Ignored a message in a group of the channel layer: %s", error)

    def _receiving_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            logger.warning("The channel layer failed: %s", type(error).__name__)
        self.fail()

    def _take(self, message: object) -> None:
        if (token := probe_token(message)) is None:
            self._on_events(*received_events(message))
        elif (arrived := self._probes.get(token)) and not arrived.done():
            arrived.set_result(None)
