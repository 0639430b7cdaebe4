"""Monitoring of the stack: metrics for Prometheus, and logs in which one job can be followed."""

import json
import os
import re
import signal
import uuid
from collections import Counter
from typing import Any

import httpx
from websockets.sync.client import connect

from tests.support.images.pictures import jpeg
from tests.support.processes.process_tree import command_line, descendants, eventually
from tests.support.stack.asking import client, is_refusal
from tests.support.stack.instance import Instance
from tests.support.stack.scraping import lines, sample, scrape, scrape_one
from tests.support.stack.stack import Stack

_IMAGES = 24
# Chunks are sized for ALL_WORKER_PROCESSES, 8 by default.
_CHUNK = 3
_PATIENCE_SECONDS = 60.0
_ACCEPTED = sample("django_file_upload_images_accepted_total", endpoint="async/batch/upload")
_COMPLETED = sample("django_file_upload_images_finished_total", status="completed", code="")
_REJECTED = sample(
    "django_file_upload_uploads_rejected_total", endpoint="async/batch/upload", code="unsupported_type"
)


def upload(asking: httpx.Client, images: int = _IMAGES, *more: tuple[str, bytes]) -> httpx.Response:
    files = [("images", (f"{number}.jpg", jpeg())) for number in range(images)]
    answer = asking.post("/api/async/batch/upload", files=[*files, *(("images", one) for one in more)])
    assert answer.status_code == 202, answer.text
    return answer


def await_final(asking: httpx.Client, answer: httpx.Response) -> None:
    batch = answer.json()["batch_id"]
    assert eventually(lambda: asking.get(f"/api/batches/{batch}").json()["final"], _PATIENCE_SECONDS)


def count(name: str, of: Counter[Any], stage: str) -> float:
    return float(of[sample(f"django_file_upload_stage_seconds_{name}", stage=stage)])


def test_web_and_worker_tell_what_became_of_a_batch(stack: Stack) -> None:
    before_web, before_worker = scrape(stack, "web"), scrape(stack, "worker")
    with client(stack) as asking:
        await_final(asking, upload(asking, _IMAGES, ("a.txt", b"no picture")))
    web, worker = scrape(stack, "web"), scrape(stack, "worker")
    assert web[_ACCEPTED] - before_web[_ACCEPTED] == _IMAGES
    assert web[_REJECTED] - before_web[_REJECTED] == 1
    assert worker[_COMPLETED] - before_worker[_COMPLETED] == _IMAGES
    for stage in ("spool", "validate", "store", "insert", "queue"):
        assert count("count", web, stage) == count("count", before_web, stage) + 1, stage
    for stage in ("wait", "fetch", "decode", "resize", "encode"):
        assert count("count", worker, stage) == count("count", before_worker, stage) + _IMAGES, stage
        assert count("sum", worker, stage) >= count("sum", before_worker, stage)


def test_both_processes_of_a_web_instance_tell_the_same(stack: Stack) -> None:
    with client(stack) as asking:
        upload(asking, 1)
    web = stack.of("web")[0]
    told = {scrape_one(stack, web).get(_ACCEPTED) for _ in range(20)}
    assert len(told) == 1


def test_the_state_is_told_by_web_alone_and_by_each_the_same(stack: Stack) -> None:
    pending = sample("django_file_upload_images_unfinished", status="pending")
    messages = sample("django_file_upload_queue_messages", queue="uploads")
    with client(stack) as asking:
        for worker in stack.of("worker"):
            os.kill(worker.pid, signal.SIGSTOP)
        try:
            answer = upload(asking)
            for web in stack.of("web"):
                told = scrape_one(stack, web)
                # What a stopped worker had reserved before it was stopped is still pending.
                assert told[pending] == _IMAGES
                assert told[messages] >= 1
                assert told[sample("django_file_upload_oldest_pending_seconds")] > 0
                assert told[sample("django_file_upload_storage_free_bytes", folder="MEDIA_ROOT")] > 0
                assert told[sample("django_file_upload_dependency_up", dependency="database")] == 1
        finally:
            for worker in stack.of("worker"):
                os.kill(worker.pid, signal.SIGCONT)
        await_final(asking, answer)
    assert all(scrape_one(stack, web)[pending] == 0 for web in stack.of("web"))
    assert not any(name == pending[0] for name, _ in scrape(stack, "worker", "sweeper"))


def test_killed_worker_processes_neither_break_nor_double_the_figures(stack: Stack) -> None:
    before = scrape(stack, "worker")[_COMPLETED]
    with client(stack) as asking:
        answer = upload(asking)
        assert eventually(lambda: scrape(stack, "worker")[_COMPLETED] > before, _PATIENCE_SECONDS)
        for worker in stack.of("worker"):
            for pid in rendering(worker):
                os.kill(pid, signal.SIGKILL)
        await_final(asking, answer)
        # A process that dies between its commit and its count leaves out a flush: a chunk, at most, in each of both.
        counted = scrape(stack, "worker")[_COMPLETED]
        assert _IMAGES - 2 * _CHUNK <= counted - before <= _IMAGES
        await_final(asking, upload(asking))
    assert eventually(lambda: scrape(stack, "worker")[_COMPLETED] == counted + _IMAGES, 10)
    for worker in stack.of("worker"):
        files = list(stack.places.path(f"run/metrics/{worker.name}").glob("counter_*.db"))
        assert len(files) == 1, "A process that takes another's place goes on with its file."


def rendering(worker: Instance) -> list[int]:
    """The processes of a worker's pool."""
    return [pid for pid in descendants(worker.pid) if "celery" in command_line(pid)]


def test_open_websockets_are_counted(stack: Stack) -> None:
    clients = sample("django_file_upload_websocket_clients")
    with connect(stack.websocket_url) as one, connect(stack.websocket_url) as other:
        for each in (one, other):
            each.recv()
        assert scrape(stack, "live")[clients] == 2
    assert eventually(lambda: scrape(stack, "live")[clients] == 0, 5)


def test_rounds_of_the_sweeper_are_counted(stack: Stack) -> None:
    done = sample("django_file_upload_sweeps_total", outcome="done")
    before = scrape(stack, "sweeper")[done]
    assert eventually(lambda: scrape(stack, "sweeper")[done] > before, 10)


def test_a_cold_thumbnail_is_counted_once(stack: Stack) -> None:
    made = sample("django_file_upload_thumbnail_generations_total", occasion="request", code="")
    before = scrape(stack, "web")[made]
    with client(stack) as asking:
        image = asking.post("/api/upload", files={"image": ("a.jpg", jpeg())}).json()["image"]
        stack.manage(
            "shell",
            "--verbosity",
            "0",
            "--command",
            f"""
from images.models import Thumbnail
Thumbnail.objects.filter(image_id="{image["id"]}").delete()
""",
        )
        for _ in range(3):
            assert asking.get(f"/api/thumbnails/{image['id']}").status_code == 302
    assert scrape(stack, "web")[made] == before + 1


def test_nginx_shows_the_figures_to_nobody(stack: Stack) -> None:
    with client(stack) as asking, client(stack, "127.0.0.1") as local:
        for path in ("/metrics", "/metrics?x=1", "/%6detrics", "/api/%2e%2e/metrics"):
            assert is_refusal(asking.get(path), "not_found"), path
            assert is_refusal(local.get(path), "not_found"), path


def test_one_job_is_followed_by_its_request_id_through_every_log(stack: Stack) -> None:
    with client(stack) as asking:
        answer = upload(asking, _IMAGES, ("b.txt", b"no picture"))
        await_final(asking, answer)
    request_id = answer.headers["x-request-id"]
    jobs = {job["job_id"] for job in answer.json()["jobs"]}
    (at_nginx,) = (line for line in lines(stack, "nginx") if line.get("request_id") == request_id)
    assert at_nginx["status"] == 202
    (accepted,) = (line for line in lines(stack, "web") if line.get("request_id") == request_id)
    assert accepted["batch_id"] == answer.json()["batch_id"]
    assert (accepted["accepted"], accepted["rejected"]) == (_IMAGES, 1)
    for stage in ("receive", "spool", "validate", "store", "insert", "queue", "publish"):
        assert accepted[f"{stage}_ms"] >= 0, stage

    def at_workers() -> list[dict[str, Any]]:
        return [line for line in lines(stack, "worker") if line.get("request_id") == request_id]

    # A line is written after the image is final.
    assert eventually(lambda: len(at_workers()) >= _IMAGES, 5)
    worked = at_workers()
    assert Counter(line["job_id"] for line in worked) == Counter(jobs)
    for line in worked:
        assert (line["batch_id"], line["status"]) == (accepted["batch_id"], "completed")
        for stage in ("wait", "fetch", "decode", "resize", "encode", "flush"):
            assert line[f"{stage}_ms"] >= 0, stage


def test_nothing_a_client_sends_begins_a_line_of_a_log(stack: Stack) -> None:
    forged = f"forged-{uuid.uuid4().hex}"
    line = json.dumps({"level": "CRITICAL", "message": forged})
    with client(stack) as asking:
        name = f'a"\n{line}\n.jpg'
        asking.post("/api/upload", files={"image": (name, b"no picture")})
        asking.get(f"/api/images/%0A{forged}%0D")
        asking.get("/api/list", headers={"X-Request-ID": forged * 100, "User-Agent": forged})
    web = stack.of("web")[0]
    # Directly, as another service in the network could.
    direct = f"http://{web.address}:{stack.places.ports['8000']}"
    for sent in (forged * 100, f"a {forged}", '{"a"}', ""):
        answer = httpx.get(f"{direct}/healthz", headers={"X-Request-ID": sent, "Host": "localhost"})
        assert len(answer.headers["x-request-id"]) == 32
    answer = httpx.get(f"{direct}/healthz", headers={"X-Request-ID": "Trace-1.2_3", "Host": "localhost"})
    assert answer.headers["x-request-id"] == "Trace-1.2_3"
    for found in lines(stack, "web", "live", "worker", "nginx"):
        assert found.get("message") != forged


def test_an_administrator_sees_each_worker_with_its_queues_and_what_it_does(stack: Stack) -> None:
    with client(stack) as asking:
        asking.get("/admin/login/")
        form = {"username": "first", "password": "for tests only"}
        headers = {"X-CSRFToken": asking.cookies["csrftoken"], "Origin": stack.url}
        asking.post("/admin/login/?next=/admin/", data=form, headers=headers)
        page = asking.get("/admin/status/")
        assert page.status_code == 200
        rows = {cells[0]: cells[1:] for cells in cells_of(page.text)}
        assert rows["celery@worker-1"] == ["uploads", "1", "none", "0"]
        assert rows["celery@worker-2"] == ["uploads", "1", "none", "0"]
        assert rows["celery@bulk-1"] == ["bulk", "1", "none", "0"]
        # An instance that does not respond is not listed and delays nothing.
        os.kill(stack.instances["worker-1"].pid, signal.SIGSTOP)
        try:
            rows = {cells[0]: cells[1:] for cells in cells_of(asking.get("/admin/status/").text)}
        finally:
            os.kill(stack.instances["worker-1"].pid, signal.SIGCONT)
    assert "celery@worker-1" not in rows
    assert "celery@worker-2" in rows


def cells_of(page: str) -> list[list[str]]:
    """The text of each table row's cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    cells = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[one.strip() for one in row] for row in cells if row]


def test_while_the_database_is_away_the_rest_is_still_told(stack: Stack) -> None:
    database = sample("django_file_upload_dependency_up", dependency="database")
    pending = sample("django_file_upload_images_unfinished", status="pending")
    web = stack.of("web")[0]
    with client(stack) as asking:
        await_final(asking, upload(asking, 1))
    stack.stop("pgbouncer-1")
    try:
        told = scrape_one(stack, web)
        assert (told[database], pending in told) == (0, False)
        assert sample("django_file_upload_queue_messages", queue="uploads") in told
        assert any(name == "django_file_upload_stage_seconds_count" for name, _ in told)
    finally:
        stack.start("pgbouncer-1")
    assert eventually(lambda: scrape_one(stack, web)[database] == 1, 10)
