"""Every process's one ear at the channel layer: news comes in once, and goes to who asked for its group.

Connections join and leave groups here and never touch the layer, so that a Redis that is away, frozen or restarted
closes no socket: when the hub hears again after a gap, all are told to look at the truth.
"""

import asyncio
import logging
from typing import Protocol
from weakref import WeakKeyDictionary

from images.live.channel_layer import LayerSession
from images.live.events import LAYER_ERRORS, Item

logger = logging.getLogger(__name__)

# Between two attempts to reach a Redis that is away; as long as a failed publish stays quiet.
RETRY_SECONDS = 1.0
# How long a new connection waits for the first session. Later it is told of the gap instead.
PATIENCE_SECONDS = 3.0


class Listener(Protocol):
    """A connection. Both are called on the event loop and must not wait."""

    def hear(self, group: str, items: list[Item]) -> None: ...

    def missed_something(self) -> None: ...


class Hub:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}
        self._session: LayerSession | None = None
        self._settled = asyncio.Event()
        self._joining = asyncio.Lock()
        self._missed = False
        self._task = asyncio.create_task(self._run())

    async def join(self, listener: Listener, group: str) -> None:
        """Once it returns, what is published to the group is heard, or `missed_something` will be called."""
        self._listeners.setdefault(group, set()).add(listener)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._settled.wait()
                async with self._joining:
                    if self._session is not None:
                        await self._session.join(group)
        except LAYER_ERRORS as error:
            logger.warning("A group of live news could not be joined yet: %s", type(error).__name__)
            self._missed = True
            if self._session is not None:
                self._session.fail()

    async def leave(self, listener: Listener, group: str) -> None:
        """Hears no more of the group."""
        listeners = self._listeners.get(group, set())
        listeners.discard(listener)
        if listeners:
            return
        async with self._joining:
            # Someone may have come while this one waited.
            if not self._listeners.get(group):
                self._listeners.pop(group, None)
                if self._session is not None:
                    await self._session.leave(group)

    def _hear(self, group: str, items: list[Item]) -> None:
        for listener in tuple(self._listeners.get(group, ())):
            listener.hear(group, items)

    async def _run(self) -> None:
        while True:
            session = LayerSession(self._hear)
            try:
                async with self._joining:
                    await session.open(tuple(self._listeners))
                    for group in tuple(self._listeners):  # also those asked for meanwhile
                        await session.join(group)
                    self._session = session
                self._settled.set()
                if self._missed:
                    self._missed = False
                    self._tell_all_to_resync()
                await session.until_trouble()
                logger.warning("Live news was interrupted")
            except LAYER_ERRORS as error:
                if not self._missed:
                    logger.warning("Live news is not heard: %s", type(error).__name__)
            finally:
                self._session = None
                self._settled.set()
                await session.close()
            self._missed = True
            await asyncio.sleep(RETRY_SECONDS)

    def _tell_all_to_resync(self) -> None:
        everyone = {listener for listeners in self._listeners.values() for listener in listeners}
        logger.info("Live news is heard again; %d clients are told to subscribe again", len(everyone))
        for listener in everyone:
            listener.missed_something()


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub() -> Hub:
    """The running loop's hub, made with its first connection."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
