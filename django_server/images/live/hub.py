"""One channel-layer subscription per process, fanned out to its WebSockets.

Connections join and leave groups here and never use the layer themselves. A Redis that is away, frozen or restarted
therefore closes no WebSocket: after a gap, the hub asks all clients to subscribe again.
"""

import asyncio
import logging
from typing import Protocol
from weakref import WeakKeyDictionary

from images.live.channel_layer import LAYER_ERRORS
from images.live.events import EventFrame
from images.live.layer_subscription import LayerSubscription

logger = logging.getLogger(__name__)

# Between two attempts to reach Redis; as long as the publisher pauses after a failure.
RETRY_SECONDS = 1.0
# How long a new connection waits for its subscription. After that it is accepted, and told of the gap later.
JOIN_SECONDS = 3.0


class Member(Protocol):
    """A connection. Both methods are called on the event loop and must not block."""

    def on_events(self, group: str, events: list[EventFrame]) -> None: ...

    def on_gap(self) -> None: ...


class Hub:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._members: dict[str, set[Member]] = {}
        self._subscription: LayerSubscription | None = None
        self._attempted = asyncio.Event()
        self._changing = asyncio.Lock()
        self._has_gap = False
        self._task = asyncio.create_task(self._run())

    async def join(self, member: Member, group: str) -> None:
        """Once it returns, `on_events` is called for every event published to the group, or else `on_gap`."""
        self._members.setdefault(group, set()).add(member)
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await self._attempted.wait()
                async with self._changing:
                    if self._subscription is not None:
                        await self._subscription.add(group)
        except LAYER_ERRORS as error:
            logger.warning("Cannot subscribe to a group of live events yet: %s", type(error).__name__)
            self._has_gap = True
            if self._subscription is not None:
                self._subscription.fail()

    async def leave(self, member: Member, group: str) -> None:
        """Ends the calls of `on_events` for the group."""
        members = self._members.get(group, set())
        members.discard(member)
        if members:
            return
        async with self._changing:
            # Another connection may have joined while this one waited for the lock.
            if not self._members.get(group):
                self._members.pop(group, None)
                if self._subscription is not None:
                    await self._subscription.discard(group)

    def _fan_out(self, group: str, events: list[EventFrame]) -> None:
        for member in tuple(self._members.get(group, ())):
            member.on_events(group, events)

    async def _run(self) -> None:
        while True:
            subscription = LayerSubscription(self._fan_out)
            try:
                async with self._changing:
                    await subscription.open(tuple(self._members))
                    for group in tuple(self._members):  # also groups that were joined meanwhile
                        await subscription.add(group)
                    self._subscription = subscription
                self._attempted.set()
                if self._has_gap:
                    self._has_gap = False
                    self._report_gap()
                await subscription.until_failure()
                logger.warning("Live events were interrupted")
            except LAYER_ERRORS as error:
                if not self._has_gap:
                    logger.warning("Live events are not received: %s", type(error).__name__)
            finally:
                self._subscription = None
                self._attempted.set()
                await subscription.close()
            self._has_gap = True
            await asyncio.sleep(RETRY_SECONDS)

    def _report_gap(self) -> None:
        everyone = {member for members in self._members.values() for member in members}
        logger.info("Live events are received again; %d clients are asked to subscribe again", len(everyone))
        for member in everyone:
            member.on_gap()


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub() -> Hub:
    """The running event loop's hub, created with its first connection."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
