"""A hundred WebSocket clients on a running site with faults: all of them reach the database's state."""

import asyncio
import json
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.images.pictures import jpeg
from tests.support.live.live_client import LiveClient
from tests.support.live.merging import MergedView, State
from tests.support.processes.process_tree import eventually
from tests.support.sites.running_site import RunningSite

IMAGES = 200
COALESCING, PLAIN = 60, 40
FROZEN_SECONDS = 6.0
PATIENCE_SECONDS = 90.0
# This many replays fill the kernel's buffers and a small receive window.
REPLAYS_TO_FILL = 32
# Three events an image: more than a connection's buffer has room for (sender.MAX_FRAMES).
FLOOD_IMAGES = 400


def pictures(number: int) -> list[tuple[str, tuple[str, bytes]]]:
    content = jpeg(64, 48)
    return [("images", (f"{index}.jpg", content)) for index in range(number)]


async def database_state(client: httpx.AsyncClient, batch: str) -> tuple[State, bool]:
    """The batch's state in the database, and whether all its images are final."""
    images = (await client.get("/api/list", params={"batch": batch, "limit": 1000})).json()
    state = {image["id"]: (image["version"], image["status"]) for image in images}
    return state, all(image["final"] for image in images)


async def until_final(client: httpx.AsyncClient, batch: str, number: int) -> State:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(httpx.TransportError):  # the web process is restarting
                state, final = await database_state(client, batch)
                if final and len(state) == number:
                    return state
            await asyncio.sleep(0.2)


async def until_current(clients: list[LiveClient], batch_state: State, ids: set[str]) -> None:
    """Return when every client has the database's state of `ids`."""

    def outdated() -> list[State]:
        views = [{id_: known for id_, known in one.view.state().items() if id_ in ids} for one in clients]
        return [view for view in views if view != batch_state]

    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := outdated():
        assert time.monotonic() < deadline, f"{len(left)} clients are not current, the first has {left[0]}"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def listening(site: RunningSite, batch: str) -> AsyncIterator[list[LiveClient]]:
    clients = [
        LiveClient(site.websocket_url, batch, coalesce=number < COALESCING)
        for number in range(COALESCING + PLAIN)
    ]
    tasks = [asyncio.create_task(one.run()) for one in clients]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*(one.subscribed.wait() for one in clients))
        yield clients
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def nothing(site: RunningSite) -> None:
    """No fault."""


async def freeze_web(site: RunningSite) -> None:
    web = site.process.child("uvicorn")
    os.kill(web, signal.SIGSTOP)
    try:
        await asyncio.sleep(FROZEN_SECONDS)
    finally:
        os.kill(web, signal.SIGCONT)


async def kill_web(site: RunningSite) -> None:
    web = site.process.child("uvicorn")
    os.kill(web, signal.SIGKILL)
    has_another = asyncio.to_thread(eventually, lambda: site.process.has_another(web, "uvicorn"), 30)
    assert await has_another


@pytest.mark.parametrize("fault", [nothing, freeze_web, kill_web])
async def test_a_hundred_clients_reach_the_databases_state(
    stressed_site: RunningSite, fault: Callable[[RunningSite], Any]
) -> None:
    batch = str(uuid4())
    async with (
        httpx.AsyncClient(base_url=stressed_site.url, timeout=60) as client,
        listening(stressed_site, batch) as clients,
    ):
        answer = await client.post("/api/async/batch/upload", params={"batch": batch}, files=pictures(IMAGES))
        ids = {job["job_id"] for job in answer.json()["jobs"]}
        assert len(ids) == IMAGES
        await fault(stressed_site)
        state = await until_final(client, batch, IMAGES)
        assert {status for _, status in state.values()} == {"completed"}
        await until_current(clients, state, ids)
        if fault is kill_web:
            assert min(one.connections for one in clients) > 1
        assert (await client.delete(f"/api/batches/{batch}")).status_code == 202
        await until_current(clients, {}, ids)


async def test_a_client_that_was_disconnected_receives_deletions_when_it_subscribes_to_its_batch(
    stressed_site: RunningSite,
) -> None:
    batch = str(uuid4())
    view = MergedView()
    subscribe = json.dumps({"type": "subscribe", "batch_id": batch})
    async with httpx.AsyncClient(base_url=stressed_site.url, timeout=60) as client:
        await client.post("/api/async/batch/upload", params={"batch": batch}, files=pictures(3))
        state = await until_final(client, batch, 3)
        deleted, *left = state
        async with plain_socket(stressed_site) as socket_:
            await socket_.send(subscribe)
            await read_until(socket_, view, lambda: view.state() == state)
        assert (await client.delete(f"/api/images/{deleted}")).status_code == 204
        async with plain_socket(stressed_site) as socket_:
            await socket_.send(subscribe)
            await read_until(socket_, view, lambda: set(view.state()) == set(left))


async def test_a_client_that_reads_nothing_slows_no_other_and_receives_a_resync(
    stressed_site: RunningSite,
) -> None:
    batch = str(uuid4())
    async with httpx.AsyncClient(base_url=stressed_site.url, timeout=60) as client:
        await client.post("/api/async/batch/upload", params={"batch": batch}, files=pictures(FLOOD_IMAGES))
        await until_final(client, batch, FLOOD_IMAGES)
        window = small_window(stressed_site)
        silent = await connect(
            stressed_site.websocket_url,
            sock=window,
            proxy=None,
            compression=None,
            max_queue=1,
            ping_interval=None,
        )
        for _ in range(REPLAYS_TO_FILL):
            await silent.send(json.dumps({"type": "subscribe", "all": True, "since": "0"}))
        await until_stuck(window)
        second = str(uuid4())
        async with listening(stressed_site, second) as clients:
            await client.post(
                "/api/async/batch/upload", params={"batch": second}, files=pictures(FLOOD_IMAGES)
            )
            state = await until_final(client, second, FLOOD_IMAGES)
            await until_current(clients, state, set(state))
            assert [one.connections for one in clients] == [1] * len(clients)
        window.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
        try:
            assert await receives_resync(silent)
        finally:
            silent.transport.abort()
            await asyncio.sleep(0.05)


async def receives_resync(client: ClientConnection) -> bool:
    """Reads all buffered frames: a resync is among them, or the connection is closed with 1013."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while json.loads(await client.recv())["type"] != "resync":
                pass
    except ConnectionClosed as closed:
        return closed.rcvd is not None and closed.rcvd.code == 1013
    return True


async def until_stuck(client: socket.socket) -> None:
    """Returns when the kernel's buffer for this client has not changed for a second."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        buffered = -1
        while (buffered_now := unsent_bytes(client)) != buffered or buffered == 0:
            buffered = buffered_now
            await asyncio.sleep(1)


def unsent_bytes(client: socket.socket) -> int:
    """The bytes that the server's socket has not sent yet: tx_queue of proc(5)'s net/tcp."""
    ours, theirs = (f":{address[1]:04X}" for address in (client.getsockname(), client.getpeername()))
    for line in Path("/proc/net/tcp").read_text().splitlines():
        _, local, remote, _, queues, *_ = line.split()
        if local.endswith(theirs) and remote.endswith(ours):
            return int(queues.partition(":")[0], 16)
    return 0


def small_window(site: RunningSite) -> socket.socket:
    address = urlsplit(site.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((address.hostname, address.port))
    connection.setblocking(False)
    return connection


async def test_a_subscription_that_races_with_completion_misses_nothing(stressed_site: RunningSite) -> None:
    few = asyncio.Semaphore(5)

    async def race(client: httpx.AsyncClient, pause_seconds: float) -> None:
        batch = str(uuid4())
        view = MergedView()
        async with few, plain_socket(stressed_site) as socket_:
            uploading = asyncio.create_task(
                client.post("/api/async/upload", params={"batch": batch}, files=pictures(1))
            )
            await asyncio.sleep(pause_seconds)
            await socket_.send(json.dumps({"type": "subscribe", "batch_id": batch}))
            (job,) = (await uploading).json()["jobs"]
            await read_until(socket_, view, lambda: view.state().get(job["id"], (0, ""))[1] == "completed")

    async with httpx.AsyncClient(base_url=stressed_site.url, timeout=60) as client:
        await asyncio.gather(*(race(client, random.uniform(0, 0.3)) for _ in range(50)))


def plain_socket(site: RunningSite, **options: Any) -> connect:
    return connect(site.websocket_url, proxy=None, compression=None, **options)


async def read_until(socket_: ClientConnection, view: MergedView, happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not happened():
            view.take(json.loads(await socket_.recv()))


async def test_pages_of_other_sites_are_refused_and_programs_and_own_pages_accepted(
    stressed_site: RunningSite,
) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1.evil.example"):
        with pytest.raises(InvalidStatus) as refused:
            await plain_socket(stressed_site, additional_headers={"Origin": origin})
        assert refused.value.response.status_code == 403
    for headers in ({}, {"Origin": stressed_site.url}):
        async with plain_socket(stressed_site, additional_headers=headers) as socket_:
            assert json.loads(await socket_.recv())["type"] == "connected"


async def test_bad_frames_are_answered_and_the_connection_lives(stressed_site: RunningSite) -> None:
    bad: list[str | bytes] = ["{", "[]", b"\xff", '{"type": "subscribe"}', "[" * 30_000, '{"type": "x"}']
    async with plain_socket(stressed_site) as socket_, asyncio.timeout(PATIENCE_SECONDS):
        for frame in bad:
            await socket_.send(frame)
        await socket_.send('{"type": "ping"}')
        codes = []
        while (frame := json.loads(await socket_.recv()))["type"] != "pong":
            codes.append(frame.get("code"))
    assert [code for code in codes if code] == ["bad_frame"] * len(bad)
