"""Work sent to several Celery workers of the server, one of which is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.pregen.tool import SERVER, Archive, children_of, environment, picture, pregen
from tests.support.servers import Redis, redis_server


@pytest.fixture(scope="module")
def broker() -> Iterator[Redis]:
    with redis_server() as server:
        yield server


@contextmanager
def _worker(broker: Redis, host: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The server's own worker, with one child process."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config.celery",
        "worker",
        "-n",
        f"bulk@{host}",
        "-Q",
        "bulk",
    ]
    env = environment(REDIS_URL=broker.url, DATA_DIR=str(folder / host), SECRET_KEY="tests")
    env.pop("DATABASE_URL", None)
    with (folder / f"{host}.log").open("wb") as log:
        running = subprocess.Popen(
            [*command, "-c", "1", "--without-gossip", "--without-mingle"],
            cwd=SERVER,
            env=env,
            stdout=log,
            stderr=log,
        )
        try:
            yield running
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGTERM)
                running.wait(30)


def test_a_killed_workers_chunk_is_processed_by_another(
    archive: Archive, broker: Redis, tmp_path: Path
) -> None:
    count = 48
    for index in range(count):
        archive.put(f"fungi/originals/{index:02}.jpg", picture((3000, 2000)))
    archive.put("fungi/originals/bad.jpg", b"no image")
    archive.scan("-q")
    with _worker(broker, "first", tmp_path) as first:
        run = subprocess.Popen(
            [sys.executable, "-m", "pregen", "generate", "-m", str(archive.manifest), "-c", "0", "--json",
             "--distribute", "--broker", broker.url, "--lost-after", "4"],
            cwd=SERVER, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while len(archive.thumbnails()) < 3:
            assert run.poll() is None, run.communicate()
            time.sleep(0.01)
        # The whole process group, as in a power failure.
        for pid in [*children_of(first.pid), first.pid]:
            os.kill(pid, signal.SIGKILL)
        first.wait(10)
        before = {path: archive.path(path).stat().st_mtime_ns for path in archive.thumbnails()}
        assert len(before) < count
        with _worker(broker, "second", tmp_path), _worker(broker, "third", tmp_path):
            out, log = run.communicate(timeout=120)
    assert run.returncode == 1, log
    assert "bad.jpg -> This is not an image" in log
    assert "A worker does not respond" in log
    totals = json.loads(out)
    assert totals["errors"] == 1
    assert len(archive.thumbnails()) == count
    # Only the image in progress at the kill had to be checked again; nothing was rendered again.
    assert {path: archive.path(path).stat().st_mtime_ns for path in before} == before
    assert totals["generated"] + totals["skipped"] == count
    assert totals["skipped"] <= 1
    made = [line for line in archive.journal() if "thumbnail_key" in line]
    assert len(made) == totals["generated"]


def test_a_missing_or_unreachable_broker_is_reported(archive: Archive, tmp_path: Path) -> None:
    archive.put("fungi/originals/x.jpg")
    archive.scan("-q")
    for url, sentence in (
        (f"unix://{tmp_path}/none.sock", "The broker can't be reached"),
        ("amqp://127.0.0.1", "The broker must be a Redis"),
    ):
        ran = archive.generate("--distribute", "--broker", url)
        assert (ran.code, sentence in ran.log) == (1, True), ran.log
    ran = pregen("generate", "-m", archive.manifest, "--distribute")
    assert ran.code == 1
    assert "--broker or REDIS_URL" in ran.log
