"""Seconds from the first POST of a batch to the last `completed` on the WebSocket.

Owns the client, which does the same as the page: one batch id, coalesced frames. Must not compare with targets. Used
by the benchmarks `batch` and `seed`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
from bodies import upload_of
from load_requests import Picture
from websockets.asyncio.client import ClientConnection, connect

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.support.sites.running_site import RunningSite

_PATIENCE_SECONDS = 300.0


def journey_seconds(
    site: RunningSite, endpoint: str, pictures: Sequence[Picture], per_request: int, at_once: int = 1
) -> float:
    """The seconds. Raises RuntimeError if an image does not complete."""
    return asyncio.run(_journey(site, endpoint, pictures, per_request, at_once))


async def _journey(
    site: RunningSite, endpoint: str, pictures: Sequence[Picture], per_request: int, at_once: int
) -> float:
    batch = str(uuid4())
    requests = [pictures[start : start + per_request] for start in range(0, len(pictures), per_request)]
    async with (
        asyncio.timeout(_PATIENCE_SECONDS),
        connect(site.websocket_url, proxy=None, compression=None) as socket,
        httpx.AsyncClient(base_url=site.url, timeout=_PATIENCE_SECONDS, trust_env=False) as client,
        asyncio.TaskGroup() as tasks,
    ):
        await socket.send(orjson.dumps({"type": "subscribe", "batch_id": batch, "coalesce": True}).decode())
        while orjson.loads(await socket.recv())["type"] != "snapshot":
            pass
        started = time.perf_counter()
        tasks.create_task(_upload(client, endpoint, requests, batch, at_once))
        await _all_completed(socket, len(pictures))
        return time.perf_counter() - started


async def _upload(
    client: httpx.AsyncClient,
    endpoint: str,
    requests: Sequence[Sequence[Picture]],
    batch: str,
    at_once: int,
) -> None:
    left = iter(requests)

    async def one_after_another() -> None:
        for pictures in left:
            answer = await client.send(upload_of(client, endpoint, pictures, batch))
            if answer.status_code != 202 or len(answer.json()["jobs"]) != len(pictures):
                raise RuntimeError(f"{endpoint} was answered {answer.status_code}: {answer.text[:300]}")

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))


async def _all_completed(socket: ClientConnection, number: int) -> None:
    completed: set[str] = set()
    while len(completed) < number:
        frame = orjson.loads(await socket.recv())
        if frame["type"] == "resync":
            raise RuntimeError("The client missed events, so the time it measured is not that of the images.")
        for image in frame.get("images", [frame]):
            if image.get("status") == "completed":
                completed.add(image["job_id"])
            elif image.get("status") == "error":
                raise RuntimeError(f"{image['name']} was not processed: {image['error']}")
