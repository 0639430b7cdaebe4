"""Receives events through one channel-layer subscription and fans them out to all WebSockets of the process.

WebSocket consumers join and leave groups here and never use the channel layer themselves. So WebSockets stay open when
Redis is down, does not respond, or restarts. A period in which events may have been missed is a *gap*. After a gap, all
clients are asked to subscribe again. There is one hub for each event loop, and a web process has one event loop.
"""

import asyncio
import logging
from typing import Protocol
from weakref import WeakKeyDictionary

from images.live.channel_layer import LAYER_ERRORS
from images.live.events import EventFrame
from images.live.layer_subscription import LayerSubscription

logger = logging.getLogger(__name__)

# The pause between two attempts to reach Redis. It is not shorter than `events.PAUSE_SECONDS`: while this process
# pauses publishing after a failure, an attempt fails immediately, because its probe can't be published.
RETRY_PAUSE_SECONDS = 1.0
# The longest time that a new connection waits for its subscription. After that the connection is accepted anyway, and
# `on_gap` is called when the subscription works.
JOIN_TIMEOUT_SECONDS = 3.0


class Member(Protocol):
    """The consumer of one WebSocket. Both methods are called on the event loop and must not block."""

    def on_events(self, group: str, events: list[EventFrame]) -> None: ...

    def on_gap(self) -> None: ...


class Hub:
    """Keeps a `LayerSubscription` to the groups of all members, and opens a new one after each failure.

    Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._members: dict[str, set[Member]] = {}
        self._subscription: LayerSubscription | None = None
        self._first_attempt_ended = asyncio.Event()
        self._subscription_lock = asyncio.Lock()
        self._has_gap = False
        self._task = asyncio.create_task(self._run())

    async def join(self, member: Member, group: str) -> None:
        """Adds the member to the group.

        After this returns, the member receives every event of the group, except during a gap. After each gap, `on_gap`
        is called once.
        """
        self._members.setdefault(group, set()).add(member)
        try:
            async with asyncio.timeout(JOIN_TIMEOUT_SECONDS):
                await self._first_attempt_ended.wait()
                async with self._subscription_lock:
                    if self._subscription is not None:
                        await self._subscription.subscribe(group)
        except LAYER_ERRORS as error:
            logger.warning("Cannot subscribe to a channel-layer group yet: %s", type(error).__name__)
            self._has_gap = True
            if self._subscription is not None:
                self._subscription.mark_failed()

    async def leave(self, member: Member, group: str) -> None:
        """Removes the member from the group. It then receives no more events of the group."""
        members = self._members.get(group, set())
        members.discard(member)
        if members:
            return
        async with self._subscription_lock:
            # Another member may have joined the group while this call waited for the lock.
            if not self._members.get(group):
                self._members.pop(group, None)
                if self._subscription is not None:
                    await self._subscription.unsubscribe(group)

    def _fan_out(self, group: str, events: list[EventFrame]) -> None:
        for member in tuple(self._members.get(group, ())):
            member.on_events(group, events)

    async def _run(self) -> None:
        while True:
            subscription = LayerSubscription(self._fan_out)
            try:
                async with self._subscription_lock:
                    await subscription.open(tuple(self._members))
                    for group in tuple(self._members):  # members may have joined more groups during `open()`
                        await subscription.subscribe(group)
                    self._subscription = subscription
                self._first_attempt_ended.set()
                if self._has_gap:
                    self._has_gap = False
                    self._call_on_gap()
                await subscription.wait_until_failed()
                logger.warning("The subscription to live events was lost")
            except LAYER_ERRORS as error:
                if not self._has_gap:
                    logger.warning("Cannot receive live events: %s", type(error).__name__)
            finally:
                self._subscription = None
                self._first_attempt_ended.set()
                await subscription.close()
            self._has_gap = True
            await asyncio.sleep(RETRY_PAUSE_SECONDS)

    def _call_on_gap(self) -> None:
        all_members = {member for members in self._members.values() for member in members}
        logger.info(
            "Live events are received again; %d clients are asked to subscribe again", len(all_members)
        )
        for member in all_members:
            member.on_gap()


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop, created at the first call."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
