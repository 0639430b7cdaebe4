"""A thousand synchronous uploads at the same moment: each gets its image or a 503 with Retry-After."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.images.pictures import jpeg
from tests.support.processes.memory import reset_peak, resident_mb
from tests.support.sites.running_site import RunningSite

UPLOADS = 1000
# A thread and a parsed request for each waiting upload: about 0.1 MB.
MAX_GROWTH_MB = 400
ANSWER_SECONDS = 120.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: dict[str, object]


def request_of(name: str, content: bytes, host: str) -> bytes:
    part = f'--frontier\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'.encode()
    body = part + content + b"\r\n--frontier--\r\n"
    head = (
        f"POST /api/upload HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=frontier\r\n\r\n"
    )
    return head.encode() + body


async def upload(host: str, port: int, name: str, content: bytes, ready: asyncio.Barrier) -> Answer:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await ready.wait()
            writer.write(request_of(name, content, f"{host}:{port}"))
            await writer.drain()
            text = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    head, _, body = text.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(status.split()[1]), headers, json.loads(body))


async def poll_health(url: str, statuses: list[int]) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        while True:
            statuses.append((await client.get("/healthz")).status_code)
            await asyncio.sleep(0.2)


@pytest.mark.usefixtures("many_open_files")
async def test_a_thousand_synchronous_uploads_at_once_all_get_json_and_the_site_stays_healthy(
    stressed_site: RunningSite,
) -> None:
    address = urlsplit(stressed_site.url)
    assert address.hostname is not None
    assert address.port is not None
    web = stressed_site.process.child("uvicorn")
    before_mb = resident_mb(web, "VmRSS")
    reset_peak(web)
    ready = asyncio.Barrier(UPLOADS)
    health: list[int] = []
    asking = asyncio.create_task(poll_health(stressed_site.url, health))
    picture = jpeg(64, 48)
    answers = await asyncio.gather(
        *(
            upload(address.hostname, address.port, f"thousand-{number}.jpg", picture, ready)
            for number in range(UPLOADS)
        )
    )
    asking.cancel()
    await asyncio.wait([asking])
    growth_mb = resident_mb(web, "VmHWM") - before_mb
    counts = Counter(answer.status for answer in answers)
    print(f"{dict(counts)}; the web process grew by {growth_mb:.0f} MB; {len(health)} × healthz")
    assert set(counts) <= {200, 503}
    assert counts[200] > 0
    for answer in answers:
        assert answer.headers["content-type"].startswith("application/json")
        if answer.status == 503:
            assert answer.body["code"] == "overloaded"
            assert int(answer.headers["retry-after"]) > 0
    assert health
    assert set(health) == {200}
    assert growth_mb <= MAX_GROWTH_MB
    with stressed_site.client() as client:
        kept = client.get("/api/list", params={"q": "thousand-", "limit": 1000}).json()
    assert [image["status"] for image in kept] == ["completed"] * counts[200]
    assert list((stressed_site.data_dir / "incoming").iterdir()) == []
