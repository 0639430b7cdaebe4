"""Redis idle, frozen, stopped and restarted: how publishers and WebSocket clients recover."""

import asyncio
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.live.live_site import Site, frame_of, frames_before_pong, frames_of, live_site, send_frame
from tests.support.servers import Redis, redis_server


@pytest.fixture(scope="module")
def own_redis() -> Iterator[Redis]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module")
def site(own_redis: Redis) -> Iterator[Site]:
    with live_site(own_redis.url) as started:
        yield started


def test_publish_returns_true_when_it_worked(site: Site) -> None:
    published, seconds = site.actor.publish(count=1000)
    assert published
    assert seconds < 1


def test_a_forked_child_publishes_and_so_does_its_parent_afterwards(site: Site) -> None:
    assert site.actor.publish_from_child() == [True, True, True]


def test_threads_publish_simultaneously(site: Site) -> None:
    assert site.actor.publish_from_threads(threads=20) == [True] * 20


def test_a_frozen_redis_costs_a_publisher_less_than_a_second_and_a_thousand_of_them_little_more(
    site: Site, own_redis: Redis
) -> None:
    own_redis.freeze()
    try:
        published, seconds = site.actor.publish(count=1000)
        assert (published, seconds < 1) == (False, True)
        published, seconds = site.actor.publish_often(times=1000)
        assert not any(published)
        assert seconds < 2
    finally:
        own_redis.thaw()
    assert published_again(site)


def published_again(site: Site) -> bool:
    """Whether a publish works again within three seconds."""
    deadline = time.monotonic() + 3
    while not site.actor.publish(count=1)[0]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


async def test_clients_stay_connected_without_redis_and_are_asked_to_subscribe_again(
    site: Site, own_redis: Redis
) -> None:
    batch = str(uuid4())
    (one,) = site.actor.create_images(count=1, batch=batch)
    async with site.connect() as plain, site.connect(f"?batch={batch}") as watching:
        assert (await frame_of(plain))["type"] == "connected"
        assert [frame["type"] for frame in await frames_of(watching, 2)] == ["connected", "snapshot"]
        own_redis.stop()
        published, seconds = site.actor.publish(count=100)
        assert (published, seconds < 1) == (False, True)
        site.actor.change_status(ids=[one], status="completed")
        assert site.actor.unannounced(ids=[one]) == 1
        # Snapshots come from the database, also for a client that connects now.
        async with site.connect(f"?batch={batch}") as newcomer:
            assert (await frame_of(newcomer))["type"] == "connected"
            (image,) = (await frame_of(newcomer))["images"]
            assert image["status"] == "completed"
            assert await frames_before_pong(plain) == []
            own_redis.start()
            for client in (plain, watching, newcomer):
                assert await frame_of(client, 15) == {"type": "resync", "reason": "gap"}
            assert published_again(site)
            (two,) = site.actor.create_images(count=1, batch=batch)
            site.actor.change_status(ids=[two], status="pending")
            for client in (watching, newcomer):
                assert (await frame_of(client))["job_id"] == two


async def test_a_redis_that_restarts_between_two_probes_is_noticed(site: Site, own_redis: Redis) -> None:
    async with site.connect() as client:
        assert (await frame_of(client))["type"] == "connected"
        own_redis.kill()
        own_redis.start()
        assert await frame_of(client, 15) == {"type": "resync", "reason": "gap"}
        assert published_again(site)
        (one,) = site.actor.create_images(count=1)
        site.actor.change_status(ids=[one], status="pending")
        while (frame := await frame_of(client)).get("job_id") != one:
            assert frame["type"] == "send_upload_notification"


async def test_a_frozen_redis_is_noticed_and_clients_are_asked_to_subscribe_again_when_it_thaws(
    site: Site, own_redis: Redis
) -> None:
    async with site.connect() as client:
        assert (await frame_of(client))["type"] == "connected"
        own_redis.freeze()
        try:
            await asyncio.sleep(7)  # a probe every five seconds, and two for it to fail
            await send_frame(client, type="ping")
            assert await frame_of(client) == {"type": "pong"}
        finally:
            own_redis.thaw()
        assert await frame_of(client, 15) == {"type": "resync", "reason": "gap"}


async def test_an_idle_minute_ends_neither_the_connection_nor_the_events(site: Site) -> None:
    (one,) = site.actor.create_images(count=1)
    async with site.connect() as client:
        assert (await frame_of(client))["type"] == "connected"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 61)
        site.actor.change_status(ids=[one], status="pending")
        assert (await frame_of(client))["job_id"] == one


def test_nothing_that_happened_to_redis_left_a_traceback(site: Site) -> None:
    assert "Traceback" not in site.log
