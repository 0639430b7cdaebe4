"""Images through the whole stack: uploaded in three ways to one instance, with the events from another."""

import time
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.support.images.pictures import broken_jpeg, jpeg
from tests.support.live.listener import Listener, listening
from tests.support.processes.process_tree import eventually
from tests.support.stack.asking import FORGOTTEN_SECONDS, client, logged, narrow
from tests.support.stack.stack import Stack


def until_final(asking: httpx.Client, batch: str) -> dict[str, Any]:
    """The batch, once all its images are final."""
    deadline = time.monotonic() + 60
    while not (state := asking.get(f"/api/batches/{batch}", params={"wait": 10}).json())["final"]:
        assert time.monotonic() < deadline, state["counts"]
    found: dict[str, Any] = state
    return found


def test_a_synchronous_upload_is_answered_with_its_thumbnails(stack: Stack) -> None:
    with client(stack) as asking:
        answer = asking.post("/api/upload", files={"image": ("a.jpg", jpeg(3000, 2000))})
        assert answer.status_code == 200, answer.text
        assert answer.json()["message"] == "Image uploaded successfully"
        assert asking.get(answer.json()["image"]["thumbnails"]["small"]).status_code == 200


@pytest.mark.parametrize("endpoint", ["/api/async/upload", "/api/async/batch/upload"])
def test_a_batch_is_processed_by_the_workers(stack: Stack, endpoint: str) -> None:
    good = [("images", (f"{number}.jpg", jpeg(2000, 1500))) for number in range(20)]
    files = [*good, ("images", ("half.jpg", broken_jpeg())), ("images", ("a.txt", b"no picture"))]
    with client(stack) as asking:
        accepted = asking.post(endpoint, files=files)
        assert accepted.status_code == 202, accepted.text
        assert [one["name"] for one in accepted.json()["rejected"]] == ["a.txt"]
        batch = until_final(asking, accepted.json()["batch_id"])
        assert batch["counts"] == {"completed": 20, "error": 1}
        for image in batch["images"]:
            if image["status"] == "completed":
                assert asking.get(image["image"]).headers["content-type"] == "image/jpeg"


def test_what_is_sent_to_one_instance_is_heard_through_every_other(stack: Stack) -> None:
    """Two WebSocket clients on different live instances, and uploads to each web instance."""
    lives, webs = ([one.address for one in stack.of(service)] for service in ("live", "web"))
    jobs: list[str] = []
    with ExitStack() as listening_to:
        listeners = []
        for live, web in zip(lives, webs, strict=True):
            narrow(stack, live=[live], web=[web])
            listeners.append(listening_to.enter_context(listening(stack.websocket_url)))
            assert is_connected(stack, live)
            jobs += sent_to(stack, web)
        narrow(stack, live=lives, web=webs[:1])
        jobs += sent_to(stack, webs[0])
        for listener, known_from in zip(listeners, (0, 5), strict=True):
            assert eventually(partial(has_heard, listener, jobs[known_from:])), listener.newest
    narrow(stack, web=webs)


def sent_to(stack: Stack, web: str) -> list[str]:
    """The jobs of a batch uploaded to that web instance, once they are final."""
    with client(stack) as asking:
        answer = asking.post(
            "/api/async/batch/upload", files=[("images", (f"{n}.jpg", jpeg())) for n in range(5)]
        )
        assert logged(stack, answer)["upstream"].startswith(f"{web}:")
        until_final(asking, answer.json()["batch_id"])
    return [job["id"] for job in answer.json()["jobs"]]


def has_heard(listener: Listener, jobs: list[str]) -> bool:
    """Wait for the `completed` event of every job."""
    return all(listener.newest.get(job, (0, ""))[1] == "completed" for job in jobs)


def is_connected(stack: Stack, address: str) -> bool:
    """Whether a connection to the live instance there is open; nginx logs one when it ends."""
    port = f"{int(stack.places.ports['8001']):04X}"
    there = "".join(f"{int(part):02X}" for part in reversed(address.split(".")))
    with open("/proc/net/tcp") as table:  # noqa: PTH123
        return any(f"{there}:{port} 01" in line for line in table)


def test_a_websocket_idle_for_longer_than_redis_clients_wait_still_hears(stack: Stack) -> None:
    with connect(stack.websocket_url, proxy=None) as idle, client(stack) as asking:
        idle.recv(timeout=10)
        time.sleep(6)
        asking.post("/api/upload", files={"image": ("a.jpg", jpeg())})
        assert "send_upload_notification" in idle.recv(timeout=10)


def test_requests_are_shared_out_over_the_web_instances_there_are(stack: Stack) -> None:
    """Also when there is suddenly one more, and when it goes: nginx is not told."""
    third = stack.scale_up("web")
    time.sleep(FORGOTTEN_SECONDS)
    with client(stack) as asking:
        assert answering(stack, asking) == {one.address for one in stack.of("web")}
        stack.scale_down(third.name)
        assert answering(stack, asking) <= {one.address for one in stack.of("web")}


def answering(stack: Stack, asking: httpx.Client) -> set[str]:
    """The addresses of those who answered thirty requests, all of which went well."""
    answers = [asking.get("/healthz") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200}
    # A skipped address comes before the one that responded.
    upstreams = [logged(stack, answer)["upstream"] for answer in answers]
    return {upstream.split(", ")[-1].partition(":")[0] for upstream in upstreams}
