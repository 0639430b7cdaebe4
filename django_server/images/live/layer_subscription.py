"""A subscription to groups of the channel layer that ends as soon as events may have been missed.

The layer reconnects by itself and does not report the messages that it missed. So a reconnection ends the subscription,
like any other failure. `hub`, the only caller, then opens a new subscription, and all clients are asked to
subscribe again.
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

# The pause between two probes. A probe is a message that the subscription sends to itself. So a half-open connection to
# Redis is noticed within PROBE_INTERVAL_SECONDS + PROBE_TRIES * PROBE_TIMEOUT_SECONDS.
PROBE_INTERVAL_SECONDS = 5.0
PROBE_TRIES = 3
PROBE_TIMEOUT_SECONDS = 0.5
# The time limit for each call of the layer except `receive`: Redis may not respond.
CALL_TIMEOUT_SECONDS = 2.0


class LayerSubscription:
    """Calls `on_events` with a group and its new events. `on_events` runs on the event loop and must not block."""

    def __init__(self, on_events: Callable[[str, list[EventFrame]], None]) -> None:
        self._on_events = on_events
        self._layer = create_layer(self.mark_failed)
        self._channel = ""
        self._groups: set[str] = set()
        self._probe_group = f"probe.{uuid4().hex}"
        self._probes: dict[str, asyncio.Future[None]] = {}
        self._failed = asyncio.Event()
        self._receive_task: asyncio.Task[None] | None = None
        self._foreign_logged = False

    async def open(self, groups: Sequence[str]) -> None:
        """Subscribes to `groups`. Returns after a probe has shown that all subscriptions work.

        Raises: one of LAYER_ERRORS.
        """
        every_group = [self._probe_group, *groups]
        async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
            self._channel = await self._layer.new_channel()
            for group in every_group:
                await self._layer.group_add(group, self._channel)
                self._groups.add(group)
        self._receive_task = asyncio.create_task(self._receive())
        self._receive_task.add_done_callback(self._on_receiving_ended)
        # A connection subscribes in order, so when the last subscription works, the earlier ones work, too. With
        # several Redis hosts there is a connection to each host, so every group is probed.
        for group in every_group if host_count() > 1 else every_group[-1:]:
            await self._probe(group)

    async def subscribe(self, group: str) -> None:
        """Subscribes to another group. After this returns, every event published to the group is received.

        Raises: one of LAYER_ERRORS. Then the whole subscription has failed.
        """
        if group in self._groups:
            return
        try:
            async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
                await self._layer.group_add(group, self._channel)
            await self._probe(group)
        except LAYER_ERRORS:
            self.mark_failed()
            raise
        self._groups.add(group)

    async def unsubscribe(self, group: str) -> None:
        """Unsubscribes from the group. Does not raise: after an error, the subscription is marked as failed."""
        self._groups.discard(group)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
                await self._layer.group_discard(group, self._channel)
        except LAYER_ERRORS:
            self.mark_failed()

    async def wait_until_failed(self) -> None:
        """Probes the subscription regularly. Returns as soon as events may have been missed."""
        while not self._failed.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_INTERVAL_SECONDS):
                    await self._failed.wait()
                    return
            try:
                await self._probe(self._group_to_probe())
            except LAYER_ERRORS:
                return

    def mark_failed(self) -> None:
        """Ends `wait_until_failed`, because events may have been missed."""
        self._failed.set()

    async def close(self) -> None:
        """Closes the connections to Redis and ends receiving."""
        with contextlib.suppress(*LAYER_ERRORS):
            async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
                await close_layer(self._layer)
        if self._receive_task is not None:
            self._receive_task.cancel()
            await asyncio.wait([self._receive_task])

    def _group_to_probe(self) -> str:
        """The probe group. With several Redis hosts, a random group, so that every connection is probed at times."""
        if host_count() == 1:
            return self._probe_group
        return random.choice(tuple(self._groups))  # noqa: S311  no secret

    async def _probe(self, group: str) -> None:
        """Probes the group: publishes a message to it, and returns when the message has been received.

        Raises: one of LAYER_ERRORS.
        """
        token = uuid4().hex
        received: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._probes[token] = received
        try:
            for _ in range(PROBE_TRIES):
                await send_probe(group, token)
                with contextlib.suppress(TimeoutError):
                    return await asyncio.wait_for(asyncio.shield(received), PROBE_TIMEOUT_SECONDS)
            raise TimeoutError("A message sent to the channel layer was not received.")
        finally:
            del self._probes[token]
            received.cancel()

    async def _receive(self) -> None:
        """Takes each message off the layer's unbounded queue immediately, even if clients read slowly."""
        while True:
            try:
                self._handle(await self._layer.receive(self._channel))
            except (
                ForeignMessageError,
                ValueError,
            ) as error:  # ValueError: the layer can't decode the message
                if not self._foreign_logged:
                    self._foreign_logged = True
                    logger.warning("Ignored a message in a group of the channel layer: %s", error)

    def _on_receiving_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()):
            logger.warning("The channel layer failed: %s", type(error).__name__)
        self.mark_failed()

    def _handle(self, message: object) -> None:
        if (token := probe_token(message)) is None:
            self._on_events(*received_events(message))
        elif (received := self._probes.get(token)) and not received.done():
            received.set_result(None)
