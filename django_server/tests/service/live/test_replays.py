"""Snapshots after a subscribe and replays after a reconnection, on SQLite and on PostgreSQL."""

import asyncio
import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from websockets.asyncio.client import ClientConnection

from tests.support.live.live_site import (
    Frames,
    Site,
    frame_of,
    frames_before_pong,
    frames_of,
    live_site,
    send_frame,
)
from tests.support.servers import Redis, postgres

FRAME_BYTES = 64 * 1024


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, redis: Redis) -> Iterator[Site]:
    if request.param == "sqlite":
        yield request.getfixturevalue("shared_site")
        return
    with postgres() as server, live_site(redis.url, server.url) as started:
        yield started


async def snapshot_of(client: ClientConnection) -> Frames:
    """All pages of one snapshot; other frames are skipped."""
    pages: Frames = []
    while not pages or not pages[-1]["last"]:
        raw = await asyncio.wait_for(client.recv(), 10)
        assert len(raw.encode() if isinstance(raw, str) else raw) < FRAME_BYTES
        frame = json.loads(raw)
        if frame["type"] == "snapshot":
            pages.append(frame)
    return pages


async def test_a_snapshot_of_a_thousand_images_has_each_once_in_pages_below_64_kb(
    site: Site, client: ClientConnection
) -> None:
    batch = str(uuid4())
    ids = site.actor.create_images(count=1000, batch=batch)
    site.actor.change_status(ids=ids[:12], status="completed", announced=False)
    await send_frame(client, type="subscribe", batch_id=batch)
    pages = await snapshot_of(client)
    assert sorted(image["id"] for page in pages for image in page["images"]) == sorted(ids)
    assert [page["page"] for page in pages] == list(range(1, len(pages) + 1))
    assert [page["last"] for page in pages] == [False] * (len(pages) - 1) + [True]
    assert {page["batch_id"] for page in pages} == {batch}
    assert pages[0]["counts"] == {"completed": 12, "pending": 988}
    assert pages[0]["cursor"].isdigit()
    done = [image for page in pages for image in page["images"] if image["status"] == "completed"]
    assert sorted(image["id"] for image in done) == sorted(ids[:12])
    assert all(image["thumbnails"]["small"] and image["final"] for image in done)


async def test_the_longest_names_and_keys_make_more_pages_not_longer_ones(
    site: Site, client: ClientConnection
) -> None:
    batch = str(uuid4())
    ids = site.actor.create_images(count=60, batch=batch, name="\x01" * 255, folder="f" * 900)
    await send_frame(client, type="subscribe", batch_id=batch)
    pages = await snapshot_of(client)
    assert sorted(image["id"] for page in pages for image in page["images"]) == sorted(ids)


@pytest.mark.parametrize("count", [0, 1, 24, 25, 26, 50])
async def test_a_snapshot_ends_with_its_last_page_whatever_the_number(
    site: Site, client: ClientConnection, count: int
) -> None:
    batch = str(uuid4())
    ids = site.actor.create_images(count=count, batch=batch)
    await send_frame(client, type="subscribe", batch_id=batch)
    pages = await snapshot_of(client)
    assert sorted(image["id"] for page in pages for image in page["images"]) == sorted(ids)
    assert len(pages) == max(1, -(-count // 25))
    assert await frames_before_pong(client) == []


async def test_deleted_jobs_are_sent_as_removed_after_the_snapshot_of_the_others(
    site: Site, client: ClientConnection
) -> None:
    ids = site.actor.create_images(count=60)
    site.actor.delete(ids=ids[:30])
    await frames_before_pong(client)
    await send_frame(client, type="subscribe", job_ids=[*ids, str(uuid4())])
    pages = await snapshot_of(client)
    assert sorted(image["id"] for page in pages for image in page["images"]) == sorted(ids[30:])
    assert pages[0]["counts"] == {"pending": 30}
    removed = await frames_of(client, 30)
    assert {(frame["type"], frame["job_id"]) for frame in removed} == {("removed", one) for one in ids[:30]}


async def test_images_that_complete_while_a_client_subscribes_are_in_the_snapshot_or_sent_live(
    site: Site,
) -> None:
    batch = str(uuid4())
    ids = site.actor.create_images(count=200, batch=batch)
    site.actor.change_status(ids=ids, status="processing", announced=False)

    def complete_all() -> None:
        for start in range(0, 200, 8):
            site.actor.change_status(ids=ids[start : start + 8], status="completed")

    async def follow(after_seconds: float) -> dict[str, str]:
        """The statuses that a client which merges by version has in the end."""
        await asyncio.sleep(after_seconds)
        known: dict[str, tuple[int, str]] = {}
        # The client is first subscribed to another batch, so that it receives no event of this one too early.
        async with site.connect(f"?batch={uuid4()}") as client:
            await send_frame(client, type="subscribe", batch_id=batch)
            frames: Frames = []
            while len([one for one, state in known.items() if state[1] == "completed"]) < 200:
                frame = await frame_of(client, 20)
                frames.append(frame)
                for image in frame.get("images", [frame] if "job_id" in frame else []):
                    state = (image["version"], image["status"])
                    known[image["job_id"]] = max(known.get(image["job_id"], (0, "")), state)
        return {one: status for one, (_, status) in known.items()}

    completing = asyncio.get_running_loop().run_in_executor(None, complete_all)
    async with asyncio.timeout(30):
        seen = await asyncio.gather(*(follow(number * 0.03) for number in range(20)))
    await completing
    assert all(one == dict.fromkeys(ids, "completed") for one in seen)


@pytest.mark.parametrize("coalesce", [False, True])
async def test_a_client_that_was_disconnected_receives_all_changes_since_its_cursor(
    site: Site, coalesce: bool
) -> None:
    ids = site.actor.create_images(count=70)
    async with site.connect() as client:
        cursor = (await frame_of(client))["cursor"]
    site.actor.change_status(ids=ids, status="processing")
    site.actor.change_status(ids=ids[:40], status="completed")
    site.actor.delete(ids=ids[60:])
    async with site.connect() as client:
        await frame_of(client)
        await send_frame(client, type="subscribe", all=True, since=cursor, coalesce=coalesce)
        received: dict[str, str] = {}
        removed: set[str] = set()
        while not (removed >= set(ids[60:]) and received.keys() >= set(ids[:60])):
            frame = await frame_of(client)
            if frame["type"] == "removed":
                removed.add(frame["job_id"])
            else:
                assert frame["type"] == (
                    "send_upload_notifications" if coalesce else "send_upload_notification"
                )
                for image in frame.get("images", [frame]):
                    received[image["job_id"]] = image["status"]
    assert all(received[one] == "completed" for one in ids[:40])
    assert all(received[one] == "processing" for one in ids[40:60])
    assert removed.isdisjoint(received)


async def test_changes_before_the_cursor_are_not_sent_again(site: Site, client: ClientConnection) -> None:
    site.actor.create_images(count=5)
    # In microseconds: an hour after the newest change.
    later = str(int(await cursor_of(site)) + 3_600_000_000)
    await send_frame(client, type="subscribe", all=True, since=later)
    assert await frames_before_pong(client) == []
    await asyncio.sleep(0.2)
    assert await frames_before_pong(client) == []


async def cursor_of(site: Site) -> str:
    async with site.connect() as client:
        return str((await frame_of(client))["cursor"])
