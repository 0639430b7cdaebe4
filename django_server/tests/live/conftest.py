"""One site shared by the tests that leave it unchanged; other tests start their own."""

from collections.abc import AsyncIterator, Iterator

import pytest
from websockets.asyncio.client import ClientConnection

from tests.live.live_site import Site, frame_of, live_site
from tests.servers import Redis, redis_server


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def shared_site(redis: Redis) -> Iterator[Site]:
    with live_site(redis.url) as started:
        yield started


@pytest.fixture
def site(shared_site: Site) -> Site:
    return shared_site


@pytest.fixture
async def client(site: Site) -> AsyncIterator[ClientConnection]:
    """A plain client that has received `connected`."""
    async with site.connect() as connected:
        assert (await frame_of(connected))["type"] == "connected"
        yield connected
