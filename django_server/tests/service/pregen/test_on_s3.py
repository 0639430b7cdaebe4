"""`pregen` with an S3 server: the same guarantees as on a disk."""

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from filestore.s3 import S3Store
from pregen.errors import Interrupted
from pregen.generate import journal
from pregen.generate.generator import GenerateOptions, generate
from pregen.generate.one_image import Outcome
from pregen.generate.render_requests import Selection
from pregen.generate.run_log import RunRecorder
from pregen.manifest import reader
from pregen.stop_signals import interruptible
from pregen.storage import StorageOptions
from tests.support.pregen.old_reader import load
from tests.support.pregen.tool import SERVER, TOOL, Ran, children_of, environment, picture, pregen
from tests.support.servers import S3
from tests.support.servers.s3 import fill, make_bucket


class Bucket:
    """A bucket, and `pregen` with the variables for it."""

    def __init__(self, server: S3, folder: Path) -> None:
        self.server = server
        self.name = make_bucket(server)
        self.manifest = folder / "s3.json"
        self.store = S3Store(
            self.name, endpoint=server.url, access_key=server.access_key, secret_key=server.secret_key
        )

    def put(self, **files: bytes) -> None:
        fill(self.server, self.name, {f"attachments/{key}": content for key, content in files.items()})

    def run(self, command: str, *more: object, **env: str) -> Ran:
        variables = {
            "S3_ENDPOINT": self.server.url,
            "S3_BUCKET": self.name,
            "S3_ACCESS_KEY": "k",
            "S3_SECRET_KEY": "s",
        }
        place = ("-o", self.manifest) if command == "scan" else ("-m", self.manifest)
        return pregen(command, *place, *more, variables={**variables, **env})


@pytest.fixture
def bucket(s3: S3, tmp_path: Path) -> Bucket:
    return Bucket(s3, tmp_path)


def test_an_archive_on_s3_is_scanned_generated_and_reported(bucket: Bucket) -> None:
    photo = picture((640, 480))
    bucket.put(**{f"fungi/originals/{index:02x}/x y{index} é.jpg": photo for index in range(20)})
    bucket.put(**{"fungi/thumbnails/00/x y0 é_200.jpg": b"1", "uploads/originals/u.jpg": photo})
    bucket.put(**{"algae/originals/bad.png": b"no image", "algae/originals/t.tif": picture(form="TIFF")})
    ran = bucket.run("scan")
    assert ran.code == 0, ran.log
    text = bucket.manifest.read_text()
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
    stats, records = load(text)
    assert (stats["fungi"].total_images, stats["fungi"].with_thumbnails) == (20, 1)
    assert "tests only" not in text
    assert all(record["original_etag"] for record in records)
    for record in reader.records(bucket.manifest):
        assert record.version == bucket.store.stat(record.original_key).version

    ran = bucket.run("generate", "-c", 0, "--show-files")
    assert ran.code == 1
    assert "bad.png -> This is not an image" in ran.log
    assert "Generated: 20\nErrors: 1" in ran.out
    made = list(journal.read_journals(bucket.manifest))
    assert len(made) == 20
    versions = {record.original_key: record.version for record in reader.records(bucket.manifest)}
    assert all(one.original_version == versions[one.original_key] for one in made)
    head = bucket.store._client().head_object(
        Bucket=bucket.name, Key="attachments/algae/thumbnails/t_200.tif"
    )
    assert head["ContentType"] == "image/jpeg"
    assert "To generate @200 thumbnails: 1" in bucket.run("report", "-t", "sizes").out

    again = json.loads(bucket.run("generate", "-c", 0, "--no-checkpoint", "--json").out)
    assert (again["generated"], again["skipped"], again["errors"]) == (0, 20, 1)
    bucket.run("scan", "-q")
    assert json.loads(bucket.run("generate", "-n", "--json").out)["planned"] == 1


def test_options_override_the_manifest_and_both_override_the_environment(bucket: Bucket) -> None:
    bucket.put(**{"fungi/originals/x.jpg": picture()})
    ran = bucket.run(
        "scan", "--s3-bucket", bucket.name, "--s3-prefix", "attachments", S3_BUCKET="other", S3_PREFIX="p"
    )
    assert ran.code == 0, ran.log
    assert bucket.run("generate", "-c", 0, S3_BUCKET="other", S3_ENDPOINT="http://127.0.0.1:9").code == 0
    ran = bucket.run("generate", "-c", 0, "--s3-bucket", "other")
    assert ran.code == 1
    assert "There is no bucket 'other'." in ran.log


def test_a_missing_bucket_is_reported(bucket: Bucket) -> None:
    ran = bucket.run("scan", S3_BUCKET="no-such-bucket")
    assert (ran.code, bucket.manifest.exists()) == (1, False)
    assert "There is no bucket 'no-such-bucket'." in ran.log


@contextmanager
def _answering(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as the base class has it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_wrong_credentials_and_an_unreachable_server_are_reported(bucket: Bucket) -> None:
    with _answering(403) as endpoint:
        ran = bucket.run("scan", "--s3-endpoint", endpoint)
    assert ran.code == 1
    assert f"The S3 server refuses access to the bucket '{bucket.name}'." in ran.log
    ran = bucket.run("scan", "--s3-endpoint", "http://127.0.0.1:9")
    assert ran.code == 1
    assert "The S3 server could not be reached" in ran.log


@contextmanager
def _counting(server: S3) -> Iterator[tuple[str, Counter[str]]]:
    """The address of a proxy to the server, and the number of requests by method."""
    counts: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            counts[self.command] += 1
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            upstream = HTTPConnection(server.url.removeprefix("http://"), timeout=10)
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name in ("ETag", "Last-Modified", "Content-Type"):
                if value := answer.headers.get(name):
                    self.send_header(name, value)
            self.send_header("Content-Length", answer.headers.get("Content-Length", str(len(content))))
            self.end_headers()
            self.wfile.write(content)
            upstream.close()

        do_GET = do_HEAD = do_PUT = _pass_on  # noqa: N815  as the base class has them

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as the base class has it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{proxy.server_port}", counts
        proxy.shutdown()
        thread.join()


def test_existing_thumbnails_are_checked_in_batches(bucket: Bucket) -> None:
    images, existing = 30, 5
    photo = picture()
    bucket.put(**{f"fungi/originals/{index:02}.jpg": photo for index in range(images)})
    bucket.run("scan", "-q")
    bucket.put(**{f"fungi/thumbnails/{index:02}_200.jpg": b"1" for index in range(existing)})
    with _counting(bucket.server) as (endpoint, counts):
        ran = bucket.run("generate", "-c", 0, "--json", "--s3-endpoint", endpoint)
    totals = json.loads(ran.out)
    assert (totals["generated"], totals["skipped"], totals["errors"]) == (images - existing, existing, 0)
    # One request to check the bucket, one listing for these thirty.
    listings = 2
    assert counts == {"GET": listings + images - existing, "PUT": images - existing}


@contextmanager
def _generating(bucket: Bucket, images: int) -> Iterator[subprocess.Popen[str]]:
    photo = picture((900, 700))
    bucket.put(**{f"fungi/originals/{index:03}.jpg": photo for index in range(images)})
    bucket.run("scan", "-q")
    variables = {"S3_ENDPOINT": bucket.server.url, "S3_ACCESS_KEY": "k", "S3_SECRET_KEY": "s"}
    options = ["-m", str(bucket.manifest), "-c", "0", "-s", "200", "-s", "400", "--json"]
    with subprocess.Popen(
        [*TOOL, "generate", *options],
        cwd=SERVER,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def _wait_for(bucket: Bucket, images: int) -> None:
    while len(list(journal.read_journals(bucket.manifest))) < 2 * images:
        time.sleep(0.002)


def test_a_process_killed_during_the_run_loses_no_image(bucket: Bucket) -> None:
    images, kills = 150, 4
    with _generating(bucket, images) as running:
        for number in range(kills):
            _wait_for(bucket, 10 * (number + 1))
            workers = [pid for child in children_of(running.pid) for pid in children_of(child)]
            os.kill(workers[number % len(workers)], signal.SIGKILL)
        out, log = running.communicate(timeout=60)
    totals = json.loads(out)
    assert (running.returncode, totals["errors"]) == (0, 0), log
    assert totals["generated"] + totals["skipped"] == 2 * images
    assert 1 <= log.count("A rendering process died.") <= kills
    bucket.run("scan", "-q")
    assert json.loads(bucket.run("generate", "-n", "--json", "-s", 200, "-s", 400).out)["planned"] == 0


def test_a_run_on_s3_whose_process_group_is_stopped_logs_how_to_continue(bucket: Bucket) -> None:
    with _generating(bucket, 150) as running:
        _wait_for(bucket, 10)
        os.killpg(running.pid, signal.SIGTERM)
        _, log = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert "Run the same command again to continue." in log
    assert "died" not in log
    assert "Traceback" not in log


def test_a_run_on_s3_that_is_stopped_finishes_the_images_in_progress(bucket: Bucket) -> None:
    images = 150
    with _generating(bucket, images) as running:
        _wait_for(bucket, 10)
        running.terminate()
        _, log = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert "Run the same command again to continue." in log
    made = {one.thumbnail_key for one in journal.read_journals(bucket.manifest)}
    assert 20 <= len(made) < 2 * images
    thumbnails = {file.key for file in bucket.store.list("attachments/fungi/thumbnails")}
    assert thumbnails == made, "every stored thumbnail is in the journal"


def test_an_outcome_being_recorded_when_a_run_on_s3_is_stopped_is_recorded_completely(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = 40
    bucket.put(**{f"fungi/originals/{index:02}.jpg": picture() for index in range(images)})
    bucket.run("scan", "-q")
    monkeypatch.setenv("S3_ACCESS_KEY", "k")
    monkeypatch.setenv("S3_SECRET_KEY", "s")
    stops = [signal.SIGTERM]
    add = RunRecorder.add

    def stopped_in_the_middle(ledger: RunRecorder, outcome: Outcome) -> None:
        if stops:
            signal.raise_signal(stops.pop())
        add(ledger, outcome)

    monkeypatch.setattr(RunRecorder, "add", stopped_in_the_middle)
    wanted = Selection(scales=(200,), collections=frozenset())
    options = GenerateOptions(bucket.manifest, wanted, StorageOptions(), cadence=0.0, workers=2, quiet=True)
    with pytest.raises(Interrupted), interruptible():
        generate(options, os.environ)
    thumbnails = {file.key for file in bucket.store.list("attachments/fungi/thumbnails")}
    assert 1 <= len(thumbnails) < images
    assert {one.thumbnail_key for one in journal.read_journals(bucket.manifest)} == thumbnails
