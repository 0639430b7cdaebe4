"""Schemathesis' checks on a running site, with valid and invalid requests generated from our own API description.

No 5xx, only documented statuses and content types, responses that match their schemas.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis

from tests.support.fixtures.sites import new_database
from tests.support.fuzz.effort import is_long, seconds
from tests.support.images.pictures import broken_jpeg, jpeg
from tests.support.servers import redis_server
from tests.support.servers.run_servers import RunServers
from tests.support.sites.running_site import RunningSite, running_site, wait_until_final
from tests.support.sites.started_site import SERVER_ROOT

_SEED = 20_260_101
_EXAMPLES = 12  # for each of about 20 operations
_CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Each documented endpoint with the expected responses for a client that knows valid ids, in a useful order.
_VALID = [
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/api/limits", 200),
    ("GET", "/api/list", 200),
    ("GET", "/api/batches", 200),
    ("GET", "/api/batches/{batch_id}", 200),
    ("GET", "/api/images/{image_id}", 200),
    ("POST", "/api/images/{image_id}/retry", 409),
    ("POST", "/api/images/{image_id}/abort", 409),
    ("POST", "/api/batches/{batch_id}/retry", 202),
    ("POST", "/api/batches/{batch_id}/abort", 202),
    ("DELETE", "/api/images/{image_id}", 204),
    ("GET", "/api/images/{image_id}", 404),
    ("DELETE", "/api/batches/{batch_id}", 202),
]


@pytest.fixture(scope="module")
def fuzzed_site(run_postgres: RunServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A site of its own: the requests must not affect the images of other tests."""
    with redis_server() as redis:
        settings = {
            "DATABASE_URL": new_database(run_postgres, "fuzzed"),
            "REDIS_URL": redis.url,
            "SECRET_KEY": "tests",
        }
        with running_site(tmp_path_factory.mktemp("fuzzed-site"), settings) as site:
            yield site


def test_valid_requests_get_documented_responses(fuzzed_site: RunningSite) -> None:
    described = schemathesis.openapi.from_url(f"{fuzzed_site.url}/api/openapi.json")

    def check(method: str, path: str, answer: Any, status: int) -> Any:
        assert answer.status_code == status, answer.text
        answer.request.read()  # the check keeps a copy
        described[path][method].validate_response(answer)
        return answer.json() if answer.content else None

    with fuzzed_site.client() as client:
        one = client.post("/api/upload", files={"image": ("a.jpg", jpeg())})
        image_id = check("POST", "/api/upload", one, 200)["image"]["id"]
        broken = client.post("/api/upload", files={"image": ("broken.jpg", broken_jpeg())})
        check("POST", "/api/upload", broken, 422)
        for path in ("/api/async/upload", "/api/async/batch/upload"):
            files = [("images", (name, data)) for name, data in (("b.jpg", jpeg()), ("c.txt", b"text"))]
            batch_id = check("POST", path, client.post(path, files=files), 202)["batch_id"]
            check("POST", path, client.post(path, files=files[1:]), 400)
        wait_until_final(client)
        for method, path, status in _VALID:
            address = path.format(image_id=image_id, batch_id=batch_id)
            check(method, path, client.request(method, address), status)


def test_no_request_gets_an_undocumented_response(fuzzed_site: RunningSite, tmp_path: Path) -> None:
    ended = _schemathesis(fuzzed_site.url, tmp_path)
    assert ended.returncode == 0, ended.stdout[-12_000:] + ended.stderr[-2_000:]
    assert "Traceback" not in fuzzed_site.process.output
    with fuzzed_site.client() as client:
        assert client.get("/readyz").status_code == 200


def _schemathesis(url: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    seed = random.randrange(10**9) if is_long() else _SEED
    examples = int(max(_EXAMPLES, seconds(0)))
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/openapi.json"]
    command += ["--checks", _CHECKS, "--phases", "examples,coverage,fuzzing", "--seed", str(seed)]
    command += ["--max-examples", str(examples), "--request-timeout", "90", "--no-color", "--warnings", "off"]
    return subprocess.run(
        command,
        cwd=folder,
        env={"PYTHONPATH": str(SERVER_ROOT), "PATH": "", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=240 + 10 * seconds(0),
        check=False,
    )
