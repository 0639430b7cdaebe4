"""The same application under daphne, which serves the WebSocket in production."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from websockets.typing import Origin

from tests.support.live.live_site import (
    Site,
    closing_code,
    frame_of,
    frames_of,
    live_site,
    refusal_of,
    send_frame,
)
from tests.support.servers import Redis


@pytest.fixture(scope="module")
def site(redis: Redis) -> Iterator[Site]:
    with live_site(redis.url, server="daphne") as started:
        yield started


async def test_daphne_accepts_the_same_clients(site: Site) -> None:
    async with site.connect() as client:
        assert (await frame_of(client))["type"] == "connected"
    assert await refusal_of(site.connect(origin=Origin("http://evil.example"))) == 403
    assert await refusal_of(site.connect(path="/ws/other/")) in (403, 404)


async def test_daphne_sends_a_snapshot_of_a_batch_and_its_events(site: Site) -> None:
    batch = str(uuid4())
    ids = site.actor.create_images(count=100, batch=batch)
    async with site.connect() as client:
        await frame_of(client)
        await send_frame(client, type="subscribe", batch_id=batch, coalesce=True)
        pages = await frames_of(client, 4)
        assert sorted(image["id"] for page in pages for image in page["images"]) == sorted(ids)
        site.actor.change_status(ids=ids, status="processing")
        received: list[str] = []
        while len(received) < 100:
            received += [image["job_id"] for image in (await frame_of(client))["images"]]
        assert sorted(received) == sorted(ids)
        await client.send(b"binary")
        assert (await frame_of(client))["code"] == "bad_frame"


async def test_a_stopped_daphne_ends_the_connection(redis: Redis) -> None:
    with live_site(redis.url, server="daphne") as site:
        async with site.connect() as client:
            await frame_of(client)
            stopping = asyncio.get_running_loop().run_in_executor(None, site.terminate)
            assert await closing_code(client) in (1001, 1006)
            assert await stopping < 15
