"""`benchmarks/load.py`, run as a command: against a site, against a failing server, and with invalid arguments."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.images.pictures import jpeg
from tests.support.sites.running_site import RunningSite, wait_until_final
from tests.support.sites.started_site import SERVER_ROOT

TOOL = SERVER_ROOT.parent / "benchmarks" / "load.py"
ANSWER = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"


def load(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(TOOL), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def report(*words: str, exit_code: int = 0) -> dict[str, Any]:
    ended = load(*words, "--json")
    assert ended.returncode == exit_code, ended.stderr + ended.stdout
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


@contextmanager
def failing_server(*behaviours: bytes) -> Iterator[str]:
    """A server that applies the behaviours in turn: a response, nothing (it disconnects), or `sleep` (no response)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent: list[socket.socket] = []

        def serve() -> None:
            number = 0
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                behaviour = behaviours[number % len(behaviours)]
                number += 1
                if behaviour == b"sleep":
                    silent.append(connection)
                    continue
                with connection:
                    connection.recv(65536)
                    connection.sendall(behaviour)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            for connection in silent:
                connection.close()


def test_uploads_lists_and_thumbnails_of_a_site_are_all_answered(
    embedded_site: RunningSite, tmp_path: Path
) -> None:
    for number in range(3):
        (tmp_path / f"own-{number}.jpg").write_bytes(jpeg(40 + number, 30))
    folder = ("--folder", str(tmp_path))
    url = embedded_site.url
    for endpoint, per_request, requests in (("upload", 1, 6), ("async", 4, 2), ("batch", 5, 2)):
        words = ("--endpoint", endpoint, "--count", "6", "--per-request", str(per_request), *folder)
        result = report(url, "uploads", *words)
        assert (result["requests"], result["errors"]) == (requests, 0)
        assert result["sent_bytes"] > 6 * 600
    with embedded_site.client() as client:
        wait_until_final(client)
        uploaded = client.get("/api/list", params={"q": "own-"}).json()
    assert len(uploaded) == 18
    result = report(url, "lists", "--count", "40", "--page", "3", "--concurrency", "5")
    assert (result["requests"], result["errors_by_status"]) == (40, {})
    latency = result["latency_seconds"]
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"]
    result = report(url, "thumbnails", "--count", "30")
    assert result["errors"] == 0
    assert result["received_bytes"] > 0


def test_a_generated_picture_is_accepted_by_the_site(embedded_site: RunningSite) -> None:
    ended = load(embedded_site.url, "uploads", "--endpoint", "upload", "--count", "1", "--megapixels", "0.01")
    assert ended.returncode == 0, ended.stderr
    assert "1 requests in" in ended.stdout


def test_dropped_connections_and_error_responses_are_counted() -> None:
    answers = (
        ANSWER % b"200 OK",
        b"",
        ANSWER % b"503 Busy",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf",
    )
    with failing_server(*answers) as url:
        words = (url, "lists", "--count", "40", "--concurrency", "4")
        result = report(*words, exit_code=1)
        assert (result["requests"], result["errors"], result["error_rate"]) == (40, 30, 0.75)
        assert result["errors_by_status"] == {"503": 10, "connection": 20}
        report(*words, "--max-error-rate", "0.75")
        uploads = report(url, "uploads", "--count", "8", "--megapixels", "0.01", exit_code=1)
        assert uploads["requests"] == 8


def test_a_closed_port_is_an_error_of_each_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = report(f"http://127.0.0.1:{port}", "lists", "--count", "5", exit_code=1)
    assert result["errors_by_status"] == {"connection": 5}
    assert result["latency_seconds"] == {}


def test_a_silent_server_delays_neither_a_request_nor_the_run_past_its_limit() -> None:
    with failing_server(b"sleep") as url:
        result = report(url, "lists", "--count", "4", "--concurrency", "4", "--timeout", "0.5", exit_code=1)
        assert result["errors_by_status"] == {"timeout": 4}
        result = report(url, "lists", "--count", "100000", "--seconds", "1", exit_code=1)
        assert result["elapsed_seconds"] < 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["http://192.0.2.1", "lists"], "192.0.2.1 is not this machine"),
        (["http://0.0.0.0:1", "lists"], "not this machine"),
        (["ftp://127.0.0.1", "lists"], "must begin with http"),
        (["http://127.0.0.1:1", "thumbnails"], "could not be read"),
        (["http://127.0.0.1:1", "uploads", "--folder", "/nowhere"], "There are no images in /nowhere."),
        (["http://127.0.0.1:1", "lists", "--count", "1000001"], "at most 1,000,000"),
        (["http://127.0.0.1:1", "lists", "--seconds", "0"], "above 0"),
        (
            ["http://127.0.0.1:1", "uploads", "--endpoint", "upload", "--per-request", "2"],
            "one file a request",
        ),
    ],
)
def test_invalid_arguments_are_refused_in_a_sentence(words: list[str], sentence: str) -> None:
    ended = load(*words)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
