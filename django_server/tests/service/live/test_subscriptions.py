"""Which clients are accepted, and which events each of them receives."""

import json
from uuid import uuid4

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.typing import Origin

from tests.support.live.live_site import Site, frame_of, frames_before_pong, frames_of, refusal_of, send_frame


async def test_a_new_client_receives_connected_with_a_cursor(site: Site) -> None:
    async with site.connect() as client:
        frame = await frame_of(client)
    assert frame.pop("cursor").isdigit()
    assert frame == {"type": "connected", "status": "ok", "message": "You are connected!"}


@pytest.mark.parametrize(
    ("host", "origin", "accepted"),
    [
        ("127.0.0.1", None, True),
        ("127.0.0.1", "http://127.0.0.1:8000", True),
        ("127.0.0.1", "https://127.0.0.1", True),
        ("127.0.0.1", "http://pictures.example", True),
        ("pictures.example", "https://pictures.example", True),
        ("127.0.0.1", "http://evil.example", False),
        ("127.0.0.1", "http://127.0.0.1.evil.example", False),
        ("127.0.0.1", "null", False),
        ("127.0.0.1", "http://[", False),
        # DNS rebinding: a foreign name that resolves to this address, as host and as origin.
        ("evil.example", "http://evil.example", False),
        ("evil.example", None, False),
    ],
)
async def test_programs_and_own_pages_are_accepted_and_pages_of_other_sites_refused(
    site: Site, host: str, origin: str | None, accepted: bool
) -> None:
    connecting = site.connect(host=host, origin=None if origin is None else Origin(origin))
    if accepted:
        async with connecting as client:
            assert (await frame_of(client))["type"] == "connected"
    else:
        assert await refusal_of(connecting) == 403


@pytest.mark.parametrize("path", ["/", "/ws/upload", "/ws/upload/x", "/ws/other/"])
async def test_there_is_no_socket_at_another_path(site: Site, path: str) -> None:
    assert await refusal_of(site.connect(path=path)) == 404


async def test_a_plain_client_receives_every_status_of_every_image_in_its_own_frame(
    site: Site, client: ClientConnection
) -> None:
    ids = site.actor.create_images(count=3)
    received = []
    for status in ("pending", "processing", "completed"):
        site.actor.change_status(ids=ids, status=status)
        received += await frames_of(client, 3)
    assert {frame["type"] for frame in received} == {"send_upload_notification"}
    events = {(frame["job_id"], frame["status"], frame["version"]) for frame in received}
    states = [("pending", 2), ("processing", 3), ("completed", 4)]
    assert events == {(one, status, version) for one in ids for status, version in states}
    completed = [frame for frame in received if frame["status"] == "completed"]
    assert all(frame["thumbnails"]["small"] and frame["finished_at"] for frame in completed)


async def test_failed_and_removed_images_are_sent_too(site: Site, client: ClientConnection) -> None:
    (failed, gone) = site.actor.create_images(count=2)
    site.actor.change_status(ids=[failed], status="error")
    assert (await frame_of(client))["error"]["code"] == "corrupt_image"
    site.actor.delete(ids=[gone])
    assert await frame_of(client) == {"type": "removed", "job_id": gone, "version": 2}


async def test_many_images_are_sent_to_a_plain_client_one_by_one(
    site: Site, client: ClientConnection
) -> None:
    ids = site.actor.create_images(count=60)
    site.actor.change_status(ids=ids, status="pending")
    received = await frames_of(client, 60)
    assert {frame["job_id"] for frame in received} == set(ids)
    assert site.actor.unannounced(ids=ids) == 0


async def test_the_first_subscribe_narrows_the_events_a_client_receives(
    site: Site, client: ClientConnection
) -> None:
    batch = str(uuid4())
    (mine,), (others,) = site.actor.create_images(count=1, batch=batch), site.actor.create_images(count=1)
    await send_frame(client, type="subscribe", batch_id=batch)
    assert (await frame_of(client))["type"] == "snapshot"
    site.actor.change_status(ids=[others], status="pending")
    site.actor.change_status(ids=[mine], status="processing")
    assert (await frame_of(client))["job_id"] == mine
    assert await frames_before_pong(client) == []


async def test_all_may_be_subscribed_again_and_unsubscribed(site: Site, client: ClientConnection) -> None:
    (one,) = site.actor.create_images(count=1)
    await send_frame(client, type="subscribe", batch_id=str(uuid4()))
    await send_frame(client, type="subscribe", all=True)
    assert [frame["type"] for frame in await frames_before_pong(client)] in ([], ["snapshot"])
    site.actor.change_status(ids=[one], status="pending")
    while (frame := await frame_of(client))["type"] == "snapshot":
        pass
    assert frame["job_id"] == one
    await send_frame(client, type="unsubscribe", all=True)
    await frames_before_pong(client)
    site.actor.change_status(ids=[one], status="processing")
    assert await frames_before_pong(client) == []


async def test_a_batch_in_the_query_is_subscribed_on_connecting(site: Site) -> None:
    batch = str(uuid4())
    (mine,), (others,) = site.actor.create_images(count=1, batch=batch), site.actor.create_images(count=1)
    async with site.connect(f"?batch={batch}") as client:
        connected, snapshot = await frames_of(client, 2)
        assert connected["type"] == "connected"
        assert (snapshot["batch_id"], [image["id"] for image in snapshot["images"]]) == (batch, [mine])
        site.actor.change_status(ids=[others], status="pending")
        site.actor.change_status(ids=[mine], status="pending")
        assert (await frame_of(client))["job_id"] == mine


async def test_a_malformed_batch_in_the_query_is_an_error_and_subscribes_to_nothing(
    site: Site,
) -> None:
    (one,) = site.actor.create_images(count=1)
    async with site.connect("?batch=all-of-them") as client:
        connected, error = await frames_of(client, 2)
        assert (connected["type"], error["type"], error["code"]) == ("connected", "error", "bad_frame")
        site.actor.change_status(ids=[one], status="pending")
        assert await frames_before_pong(client) == []


async def test_a_client_may_subscribe_to_jobs_only(site: Site, client: ClientConnection) -> None:
    batch = str(uuid4())
    first, second, third = site.actor.create_images(count=3, batch=batch)
    await send_frame(client, type="subscribe", job_ids=[first, third])
    snapshot = await frame_of(client)
    assert snapshot["batch_id"] is None
    assert snapshot["counts"] == {"pending": 2}
    assert {image["id"] for image in snapshot["images"]} == {first, third}
    site.actor.change_status(ids=[first, second, third], status="processing")
    assert {frame["job_id"] for frame in await frames_of(client, 2)} == {first, third}
    await send_frame(client, type="unsubscribe", job_ids=[first])
    await frames_before_pong(client)
    site.actor.change_status(ids=[first, second, third], status="completed")
    assert (await frame_of(client))["job_id"] == third
    assert await frames_before_pong(client) == []


async def test_a_connection_has_a_thousand_subscriptions_and_no_more(
    site: Site, client: ClientConnection
) -> None:
    ids = [str(uuid4()) for _ in range(1000)]
    await send_frame(client, type="subscribe", job_ids=ids)
    assert (await frame_of(client))["type"] == "snapshot"
    await send_frame(client, type="subscribe", batch_id=str(uuid4()))
    error = await frame_of(client)
    assert (error["type"], error["code"]) == ("error", "bad_frame")
    assert "1000" in error["error"]
    await send_frame(client, type="subscribe", job_ids=ids[:3])
    assert (await frame_of(client))["type"] == "snapshot"


BAD_FRAMES: dict[str, str | bytes] = {
    "no JSON": "{",
    "an array": "[]",
    "a number": "7",
    "null": "null",
    "nothing": "",
    "no type": "{}",
    "an unknown type": '{"type": "upload"}',
    "a type that is no string": '{"type": {}}',
    "subscribe to nothing": '{"type": "subscribe"}',
    "a batch that is no UUID": '{"type": "subscribe", "batch_id": "x"}',
    "a batch that is a number": '{"type": "subscribe", "batch_id": 7}',
    "jobs that are no array": '{"type": "subscribe", "job_ids": "x"}',
    "a job that is no UUID": '{"type": "subscribe", "job_ids": ["x"]}',
    "a job that is null": '{"type": "unsubscribe", "job_ids": [null]}',
    "all that is no boolean": '{"type": "subscribe", "all": "yes"}',
    "all that is false": '{"type": "subscribe", "all": false}',
    "coalesce that is no boolean": '{"type": "subscribe", "all": true, "coalesce": 1}',
    "since without all": f'{{"type": "subscribe", "batch_id": "{uuid4()}", "since": "1"}}',
    "since that is no cursor": '{"type": "subscribe", "all": true, "since": "yesterday"}',
    "since that is a number": '{"type": "subscribe", "all": true, "since": 1}',
    "since after the last year": '{"type": "subscribe", "all": true, "since": "9999999999999999999"}',
    "since in other digits": '{"type": "subscribe", "all": true, "since": "١٢"}',
    "deep nesting": "[" * 30_000,
    "binary": b'{"type": "ping"}',
    "more than 64 KB": json.dumps({"type": "ping", "filling": "x" * 65_536}),
    "more than 64 KB of two-byte letters": json.dumps(
        {"type": "ping", "f": "ä" * 40_000}, ensure_ascii=False
    ),
    "a lone surrogate": '{"type": "\\ud800"}',
}


@pytest.mark.parametrize("bad", BAD_FRAMES.values(), ids=BAD_FRAMES)
async def test_a_bad_frame_is_answered_and_the_connection_lives(
    client: ClientConnection, bad: str | bytes
) -> None:
    await client.send(bad)
    error = await frame_of(client)
    assert (error["type"], error["code"]) == ("error", "bad_frame")
    assert error["error"].endswith(".")
    assert await frames_before_pong(client) == []
