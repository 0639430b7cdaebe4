"""kill -9 at a random moment, ten times over: no finished work twice, and a whole archive at the end."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

from tests.pregen.conftest import SERVER, TOOL, Archive, environment, picture

_IMAGES = 150
_KILLS = 10


def _start(archive: Archive) -> "subprocess.Popen[bytes]":
    command = [*TOOL, "generate", "-m", str(archive.manifest), "-c", "0", "-s", "200", "-s", "64", "-q"]
    return subprocess.Popen(command, cwd=SERVER, env=environment(), start_new_session=True)


def _children_of(pid: int) -> list[int]:
    """All that the process has started, and what those have."""
    found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found + [grandchild for child in found for grandchild in _children_of(child)]


def _finished(archive: Archive) -> list[tuple[str, int, int]]:
    """Journalled thumbnails, with what the file system says of each: written anew it would be another file."""
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


def test_a_run_killed_at_any_moment_goes_on_without_repeating_finished_work(archive: Archive) -> None:
    chance = random.Random(6)
    content = picture((900, 700))
    for index in range(_IMAGES):
        archive.put(f"fungi/originals/{index % 7:02x}/{index:03}.jpg", content)
    archive.scan("-q")
    finished: list[tuple[str, int, int]] = []
    for number in range(_KILLS):
        running = _start(archive)
        # Some time after it has begun to finish images, so that there is something to repeat.
        enough = len(finished) + chance.randint(1, 2 * _IMAGES // (_KILLS + 2))
        while _journalled(archive) < enough and running.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.random() * 0.02)
        children = _children_of(running.pid) if running.poll() is None else []
        running.kill()
        assert running.wait(10) in (-signal.SIGKILL, 0), number
        _wait_for_the_end_of(children)
        now = _finished(archive)
        assert set(finished) <= set(now), "finished work was done again"
        finished = now
    assert _start(archive).wait(60) == 0
    now = _finished(archive)
    assert set(finished) <= set(now)
    keys = [key for key, _, _ in now]
    assert len(keys) == len(set(keys)), "a thumbnail was journalled twice"
    assert len(archive.thumbnails()) == 2 * _IMAGES
    assert not [path for path in archive.thumbnails() if path.endswith("~")]
    for path in archive.thumbnails():
        assert archive.size(path)[0] == "JPEG"


def _wait_for_the_end_of(pids: list[int]) -> None:
    """No process outlives a killed run by more than a moment."""
    deadline = time.monotonic() + 10
    while any(_lives(pid) for pid in pids):
        assert time.monotonic() < deadline, "a process of a killed run lives on"
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:
        return b" Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_renderer_killed_in_the_middle_costs_its_own_image_at_most(archive: Archive) -> None:
    for index in range(60):
        archive.put(f"fungi/originals/{index:02}.jpg", picture((900, 700)))
    archive.scan("-q")
    running = _start(archive)
    while _journalled(archive) < 10:
        time.sleep(0.005)
    renderers = [pid for child in _children_of(running.pid) for pid in _children_of(child)]
    os.kill(renderers[0], signal.SIGKILL)
    assert running.wait(60) in (0, 1)
    failed = sum("code" in line for line in archive.journal())
    assert failed <= 1
    assert _start(archive).wait(60) == 0
    assert len(archive.thumbnails()) == 120
