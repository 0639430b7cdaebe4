"""A client that reads slowly or not at all: told so, never waited for. And the end of the server itself."""

import asyncio
import json
import socket
import time
from uuid import uuid4

from websockets.asyncio.client import ClientConnection

from images.live.events import EventFrame
from images.live.protocol import encode
from images.live.sender import MAX_BYTES, MAX_FRAMES, SendBuffer, Sender
from tests.live.live_site import Site, closing_code, frame_of, live_site, say
from tests.servers import Redis


async def test_an_outbox_that_is_full_of_texts_or_of_bytes_takes_no_more() -> None:
    buffer = SendBuffer()
    assert all(buffer.put("x") for _ in range(MAX_FRAMES))
    assert not buffer.put("x")
    buffer = SendBuffer()
    assert buffer.put("ä" * (MAX_BYTES // 2))
    assert not buffer.put("x")


async def test_a_backlog_is_replaced_once_and_news_is_taken_again_when_that_was_sent() -> None:
    buffer = SendBuffer()
    buffer.put("old")
    assert buffer.replace_all("start anew")
    assert not buffer.replace_all("start anew")
    assert not buffer.put("dropped")
    assert await buffer.take() == "start anew"
    assert buffer.put("new")
    assert await buffer.take() == "new"


async def test_a_client_that_falls_behind_is_told_once_and_hears_what_comes_after() -> None:
    sent: list[str] = []
    reads = asyncio.Event()

    async def send_text(text: str) -> None:
        await reads.wait()
        sent.append(text)

    sender = Sender(send_text)
    writing = asyncio.create_task(sender.write())
    sender.send_encoded("first")
    await asyncio.sleep(0)
    for number in range(3 * MAX_FRAMES):
        sender.send_events([EventFrame(uuid4().hex, "image", f"{number}", 4)])
    reads.set()
    await asyncio.sleep(0.05)
    resync = encode({"type": "resync", "reason": "slow_client"})
    assert sent == ["first", resync]
    assert sender.resyncs == 1
    sender.send_events([EventFrame(uuid4().hex, "image", "later", 5)])
    await asyncio.sleep(0.05)
    assert sent == ["first", resync, "later"]
    writing.cancel()


def unread(site: Site) -> socket.socket:
    """A connection with a small window, handed to a client that will not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", site.port))
    connection.setblocking(False)
    return connection


async def flood(site: Site, messages: int) -> None:
    """A megabyte of news for everybody in each message; ten are more than the kernel keeps for a socket."""
    loop = asyncio.get_running_loop()
    for _ in range(messages):
        await loop.run_in_executor(None, lambda: site.actor.publish(count=1000, byte_size=1000))


async def stalled(site: Site) -> ClientConnection:
    """A client that stops reading from its socket: its library's buffer is full after one frame."""
    client = await site.connect(sock=unread(site), max_queue=1, ping_interval=None)
    assert (await frame_of(client))["type"] == "connected"
    return client


async def test_a_client_that_reads_nothing_delays_nobody_and_is_told_to_start_anew(site: Site) -> None:
    idle = await stalled(site)
    batch = str(uuid4())
    (one,) = site.actor.make(count=1, batch=batch)
    async with site.connect(f"?batch={batch}") as brisk:
        while (await frame_of(brisk))["type"] != "snapshot":
            pass
        await flood(site, 10)
        started = time.monotonic()
        site.actor.become(ids=[one], status="pending")
        assert (await frame_of(brisk))["job_id"] == one
        assert time.monotonic() - started < 1
    frames = 0
    async with asyncio.timeout(20):
        while (frame := json.loads(await idle.recv()))["type"] != "resync":
            frames += 1
    assert frame == {"type": "resync", "reason": "slow_client"}
    assert frames < 10_000
    await say(idle, type="subscribe", batch_id=batch)
    while (frame := await frame_of(idle))["type"] != "snapshot":
        pass
    assert [image["status"] for image in frame["images"]] == ["pending"]
    await idle.close()


async def test_a_client_that_takes_nothing_at_all_is_closed_with_1013(redis: Redis) -> None:
    with live_site(redis.url, application="tests.live.impatient_application:application") as site:
        idle = await stalled(site)
        await flood(site, 10)
        await asyncio.sleep(3)  # longer than the patience, and than the second given to say goodbye
        assert await closing_code(idle) == 1013


async def test_a_server_that_stops_says_1001_and_waits_for_nobody(redis: Redis) -> None:
    with live_site(redis.url) as site:
        idle = await stalled(site)
        async with site.connect() as client:
            await frame_of(client)
            await flood(site, 10)
            terminating = asyncio.get_running_loop().run_in_executor(None, site.terminate)
            assert await closing_code(client) == 1001
            assert await terminating < 5
        idle.transport.abort()
        await asyncio.sleep(0.05)
