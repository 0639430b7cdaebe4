"""A second consumer beside the live view, added as in Channels' tutorial, on a started server and Redis."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from websockets.typing import Origin

from tests.support.live.live_site import Site, frame_of, live_site, refusal_of, send_frame
from tests.support.servers import Redis, postgres

CHAT = "tests.support.live.chat_application:application"
PATHS = ["/ws/async-chat/lobby/", "/ws/chat/lobby/"]


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def site(request: pytest.FixtureRequest, redis: Redis) -> Iterator[Site]:
    with live_site(redis.url, server=request.param, application=CHAT) as started:
        yield started


@pytest.mark.parametrize("path", PATHS)
async def test_two_clients_of_a_second_consumer_talk_through_the_channel_layer(site: Site, path: str) -> None:
    async with site.connect(path=path) as first, site.connect(path=path) as second:
        await send_frame(first, message="hello")
        message = {"message": "hello", "user": "AnonymousUser"}
        assert (await frame_of(first), await frame_of(second)) == (message, message)


async def test_the_live_view_works_beside_a_second_consumer(site: Site) -> None:
    (one,) = site.actor.create_images(count=1)
    async with site.connect() as client, site.connect(path=PATHS[0]) as chat:
        assert (await frame_of(client))["type"] == "connected"
        site.actor.change_status(ids=[one], status="pending")
        assert (await frame_of(client))["job_id"] == one
        await send_frame(chat, message="x")
        assert (await frame_of(chat))["message"] == "x"


@pytest.mark.parametrize("path", PATHS)
async def test_pages_of_other_sites_are_refused_by_a_second_consumer_too(site: Site, path: str) -> None:
    assert await refusal_of(site.connect(path=path, origin=Origin("http://evil.example"))) == 403


async def test_without_a_database_only_a_client_with_a_session_cookie_is_refused(redis: Redis) -> None:
    cookie = {"Cookie": f"sessionid={uuid4().hex}"}
    with postgres() as server, live_site(redis.url, server.url, application=CHAT) as site:
        async with site.connect(path=PATHS[0], additional_headers=cookie) as client:
            await send_frame(client, message="x")
            assert (await frame_of(client))["user"] == "AnonymousUser"
        server.stop()
        try:
            async with site.connect(path=PATHS[0]) as client:
                await send_frame(client, message="x")
                assert (await frame_of(client))["message"] == "x"
            assert await refusal_of(site.connect(path=PATHS[0], additional_headers=cookie)) == 503
            assert await refusal_of(site.connect(additional_headers=cookie)) == 503
            assert await refusal_of(site.connect()) == 503
        finally:
            server.start()
