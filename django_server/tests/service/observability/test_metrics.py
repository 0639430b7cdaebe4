"""Metrics: their cost, their access control, and the values that remain after a process was killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from images.models import Image, Status
from images.observability.metrics_endpoint import LocalMetrics
from images.observability.metrics_text import exposition
from images.observability.state_gauges import SiteState
from tests.support.images.completed_rows import completed_rows
from tests.support.images.statement_count import statements

pytestmark = pytest.mark.django_db(transaction=True)

_OWN = ("127.0.0.1", 50000)
_HOST = (b"host", b"localhost:8000")
_CLIENT = """
import django; django.setup()
from images.observability.event_counters import STAGE_SECONDS, SWEEPS, websocket_clients
websocket_clients().inc()
SWEEPS.labels("done").inc()
STAGE_SECONDS.labels("decode").observe(0.5)
print("counted", flush=True)
input()
"""
_READER = """
import django; django.setup()
from images.observability.metrics_text import exposition
print(exposition(with_state=False).decode())
"""


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def add_pending(number: int) -> None:
    ids = [image.id for image in completed_rows(number)]
    Image.objects.filter(id__in=ids).update(status=Status.PENDING, finished_at=None)


def test_a_scrape_of_the_state_costs_three_statements_for_any_number_of_pending_images() -> None:
    counts = set()
    for more in (0, 3, 40):
        add_pending(more)
        with CaptureQueriesContext(connection) as captured:
            list(SiteState().collect())
        counts.add(len(statements(captured)))
    assert counts == {3}


def test_pending_images_are_reported_with_the_age_of_the_oldest() -> None:
    reported = samples(exposition(with_state=True).decode())
    assert reported["django_file_upload_oldest_pending_seconds", ()] == 0
    add_pending(3)
    Image.objects.update(uploaded_at="2020-01-01T00:00:00Z")
    reported = samples(exposition(with_state=True).decode())
    assert reported["django_file_upload_images_unfinished", (("status", "pending"),)] == 3
    assert reported["django_file_upload_oldest_pending_seconds", ()] > 5 * 365 * 86400


def test_pending_images_are_counted_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("images.observability.state_gauges.MAX_COUNT", 5)
    add_pending(8)
    reported = samples(exposition(with_state=True).decode())
    assert reported["django_file_upload_images_unfinished", (("status", "pending"),)] == 5


def test_a_killed_process_leaves_its_counters_and_not_its_open_websockets(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}

    def read_samples() -> dict[Any, float]:
        command = [sys.executable, "-c", _READER]
        return samples(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        )

    clients, sweeps = (
        ("django_file_upload_websocket_clients", ()),
        ("django_file_upload_sweeps_total", (("outcome", "done"),)),
    )
    decoded = ("django_file_upload_stage_seconds_count", (("stage", "decode"),))
    running = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", _CLIENT], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"counted\n"
    reported = read_samples()
    assert (reported[clients], reported[sweeps], reported[decoded]) == (2, 2, 2)
    running[0].send_signal(signal.SIGKILL)
    running[0].wait()
    reported = read_samples()
    assert (reported[clients], reported[sweeps], reported[decoded]) == (1, 2, 2)
    for process in running:
        process.kill()
        process.communicate()


async def get_metrics(
    *headers: tuple[bytes, bytes], client: Any = _OWN, method: str = "GET"
) -> tuple[int, bytes]:
    """Status and body of the response of /metrics."""
    answer: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        answer.append(message)

    scope = {"type": "http", "method": method, "path": "/metrics", "client": client, "headers": [*headers]}
    await LocalMetrics()(scope, receive, send)
    return answer[0]["status"], b"".join(one.get("body", b"") for one in answer[1:])


@pytest.mark.parametrize("client", [_OWN, ("::1", 1), ("127.8.9.10", 1)])
async def test_this_machine_may_scrape(client: Any) -> None:
    status, body = await get_metrics(_HOST, client=client)
    assert status == 200
    assert b"django_file_upload_storage_free_bytes" in body


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([_HOST], ("192.168.0.7", 1)),
        ([_HOST], None),
        ([_HOST, (b"x-forwarded-for", b"127.0.0.1")], _OWN),
        ([_HOST, (b"forwarded", b"for=127.0.0.1")], _OWN),
        ([(b"host", b"rebound.example")], _OWN),
        ([], _OWN),
    ],
)
async def test_other_machines_get_404(headers: Any, client: Any) -> None:
    status, body = await get_metrics(*headers, client=client)
    assert status == 404
    assert b'"not_found"' in body


async def test_metrics_can_only_be_read() -> None:
    status, body = await get_metrics(_HOST, method="POST")
    assert status == 405
    assert b'"method_not_allowed"' in body


def test_by_default_no_metrics_file_is_written_and_nothing_listens() -> None:
    assert settings.METRICS_DIR is None
    assert settings.METRICS_LISTEN is None


@pytest.mark.parametrize("value", ["9100", ":9100", "0.0.0.0:", "0.0.0.0:x", "0.0.0.0:70000", "0.0.0.0:0"])
def test_an_invalid_address_stops_the_start_with_a_sentence(value: str) -> None:
    environment = {**os.environ, "METRICS_LISTEN": value}
    command = [sys.executable, "manage.py", "check"]
    started = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert started.returncode == 1
    assert started.stderr == "METRICS_LISTEN must be an address and a port, as in 127.0.0.1:9100.\n"
