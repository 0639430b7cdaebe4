"""kill -9 at random moments, ten times: no finished work is repeated, and the archive is complete at the end."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.pregen.tool import SERVER, TOOL, Archive, children_of, environment, picture

_IMAGES = 150
_KILLS = 10


@contextmanager
def _generating(archive: Archive) -> Iterator["subprocess.Popen[bytes]"]:
    command = [*TOOL, "generate", "-m", str(archive.manifest), "-c", "0", "-s", "200", "-s", "64", "-q"]
    running = subprocess.Popen(command, cwd=SERVER, env=environment(), start_new_session=True)
    try:
        yield running
    finally:
        running.kill()
        running.wait(10)


def _generate(archive: Archive) -> int:
    with _generating(archive) as running:
        return running.wait(60)


def _finished(archive: Archive) -> list[tuple[str, int, int]]:
    """Journalled thumbnails with inode and time: both change when a file is written again."""
    found = []
    for scale in (200, 64):
        for line in archive.journal(scale):
            if "thumbnail_key" in line:
                stat = (archive.root / line["thumbnail_key"]).stat()
                found.append((line["thumbnail_key"], stat.st_ino, stat.st_mtime_ns))
    return found


def _journalled(archive: Archive) -> int:
    paths = archive.manifest.parent.glob("*.journal")
    return sum(path.read_bytes().count(b"thumbnail_key") for path in paths)


def test_a_run_killed_at_any_moment_resumes_without_repeating_finished_work(archive: Archive) -> None:
    chance = random.Random(6)
    content = picture((900, 700))
    for index in range(_IMAGES):
        archive.put(f"fungi/originals/{index % 7:02x}/{index:03}.jpg", content)
    archive.scan("-q")
    finished: list[tuple[str, int, int]] = []
    for number in range(_KILLS):
        with _generating(archive) as running:
            # Some time after the first finished images, so that there is work that could be repeated.
            enough = len(finished) + chance.randint(1, 2 * _IMAGES // (_KILLS + 2))
            while _journalled(archive) < enough and running.poll() is None:
                time.sleep(0.005)
            time.sleep(chance.random() * 0.02)
            children = children_of(running.pid) if running.poll() is None else []
            running.kill()
            assert running.wait(10) in (-signal.SIGKILL, 0), number
        _wait_for_the_end_of(children)
        now = _finished(archive)
        assert set(finished) <= set(now), "finished work was done again"
        finished = now
    assert _generate(archive) == 0
    now = _finished(archive)
    assert set(finished) <= set(now)
    keys = [key for key, _, _ in now]
    assert len(keys) == len(set(keys)), "a thumbnail was journalled twice"
    assert len(archive.thumbnails()) == 2 * _IMAGES
    assert not [path for path in archive.thumbnails() if path.endswith("~")]
    for path in archive.thumbnails():
        assert archive.size(path)[0] == "JPEG"


def _wait_for_the_end_of(pids: list[int]) -> None:
    """Every process of a killed run must end shortly after it."""
    deadline = time.monotonic() + 10
    while any(_lives(pid) for pid in pids):
        assert time.monotonic() < deadline, "a process of a killed run lives on"
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:
        return b" Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_killed_renderer_fails_at_most_its_own_image(archive: Archive) -> None:
    images, rounds, kills = 60, 5, 0
    chance = random.Random(7)
    for index in range(images):
        archive.put(f"fungi/originals/{index:02}.jpg", picture((900, 700)))
    archive.scan("-q")
    with _generating(archive) as running:
        for number in range(rounds):
            # Two thumbnails an image: the last kill happens when half of all exist, before the run ends.
            while _journalled(archive) < images // rounds * (number + 1):
                time.sleep(0.002)
            # Some renderers render, some are between two images: the journal is written during the next render.
            time.sleep(chance.random() * 0.02)
            for forkserver in children_of(running.pid):
                for renderer in children_of(forkserver):
                    os.kill(renderer, signal.SIGKILL)
                    kills += 1
        assert running.wait(60) in (0, 1)
    failed = sum("code" in line for line in archive.journal())
    assert 0 < failed <= kills
    assert len(archive.thumbnails()) == 2 * (images - failed), (
        "an image that was not failed has no thumbnails"
    )
    assert _generate(archive) == 0
    assert len(archive.thumbnails()) == 2 * images
