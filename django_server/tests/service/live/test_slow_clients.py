"""Clients that read slowly or not at all are asked to resync and delay no other client; shutdown of the server."""

import asyncio
import json
import socket
import time
from uuid import uuid4

from websockets.asyncio.client import ClientConnection

from images.live.bounded_sender import MAX_BYTES, MAX_FRAMES, SendBuffer, Sender
from images.live.events import EventFrame
from images.live.protocol import encode
from tests.support.live.live_site import Site, closing_code, frame_of, live_site, send_frame
from tests.support.servers import Redis


async def test_a_buffer_that_is_full_by_count_or_by_bytes_accepts_no_more() -> None:
    buffer = SendBuffer()
    assert all(buffer.put("x") for _ in range(MAX_FRAMES))
    assert not buffer.put("x")
    buffer = SendBuffer()
    assert buffer.put("ä" * (MAX_BYTES // 2))
    assert not buffer.put("x")


async def test_a_backlog_is_replaced_once_and_frames_are_accepted_again_after_the_replacement() -> None:
    buffer = SendBuffer()
    buffer.put("old")
    assert buffer.replace_all("resync")
    assert not buffer.replace_all("resync")
    assert not buffer.put("dropped")
    assert await buffer.take() == "resync"
    assert buffer.put("new")
    assert await buffer.take() == "new"


async def test_a_slow_client_receives_one_resync_and_then_later_events() -> None:
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
    assert sender.resync_count == 1
    sender.send_events([EventFrame(uuid4().hex, "image", "later", 5)])
    await asyncio.sleep(0.05)
    assert sent == ["first", resync, "later"]
    writing.cancel()


def unread(site: Site) -> socket.socket:
    """A connected socket with a small receive window, for a client that will not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", site.port))
    connection.setblocking(False)
    return connection


async def flood(site: Site, messages: int) -> None:
    """Publishes a megabyte of events each time; ten are more than the kernel buffers for a socket."""
    loop = asyncio.get_running_loop()
    for _ in range(messages):
        await loop.run_in_executor(None, lambda: site.actor.publish(count=1000, byte_size=1000))


async def stalled(site: Site) -> ClientConnection:
    """A client that stops reading from its socket: its library's buffer is full after one frame."""
    client = await site.connect(sock=unread(site), max_queue=1, ping_interval=None)
    assert (await frame_of(client))["type"] == "connected"
    return client


async def test_a_client_that_reads_nothing_delays_no_other_and_receives_a_resync(site: Site) -> None:
    idle = await stalled(site)
    batch = str(uuid4())
    (one,) = site.actor.create_images(count=1, batch=batch)
    async with site.connect(f"?batch={batch}") as brisk:
        while (await frame_of(brisk))["type"] != "snapshot":
            pass
        await flood(site, 10)
        started = time.monotonic()
        site.actor.change_status(ids=[one], status="pending")
        assert (await frame_of(brisk))["job_id"] == one
        assert time.monotonic() - started < 1
    frames = 0
    async with asyncio.timeout(20):
        while (frame := json.loads(await idle.recv()))["type"] != "resync":
            frames += 1
    assert frame == {"type": "resync", "reason": "slow_client"}
    assert frames < 10_000
    await send_frame(idle, type="subscribe", batch_id=batch)
    while (frame := await frame_of(idle))["type"] != "snapshot":
        pass
    assert [image["status"] for image in frame["images"]] == ["pending"]
    await idle.close()


async def test_a_client_that_never_reads_is_closed_with_1013(redis: Redis) -> None:
    with live_site(redis.url, application="tests.support.live.impatient_application:application") as site:
        idle = await stalled(site)
        await flood(site, 10)
        await asyncio.sleep(3)  # longer than SEND_TIMEOUT_SECONDS there plus CLOSE_TIMEOUT_SECONDS
        assert await closing_code(idle) == 1013


async def test_a_stopping_server_closes_with_1001_and_waits_for_no_client(redis: Redis) -> None:
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
