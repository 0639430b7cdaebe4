"""The thumbnails that `generate` renders or skips, and its output."""

import itertools
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from pregen.generate import journal
from pregen.manifest import reader
from tests.support.pregen.tool import SERVER, TOOL, Archive, environment, picture, pregen


@pytest.fixture
def filled(archive: Archive) -> Archive:
    archive.put("fungi/originals/0a/x.jpg", picture((640, 480)))
    archive.put("fungi/originals/p.png", picture((300, 600), "PNG"))
    archive.put("fungi/originals/g.GIF", picture((300, 200), "GIF"))
    archive.put("fungi/originals/t.tif", picture((300, 200), "TIFF"))
    archive.put("fungi/originals/small.bmp", picture((50, 40), "BMP"))
    archive.put("algae/originals/é ü\n.jpg", picture((3000, 10)))
    archive.scan("-q")
    return archive


def test_each_image_gets_its_thumbnail_in_the_format_of_its_name(filled: Archive) -> None:
    ran = filled.generate("--show-files")
    assert ran.code == 0, ran.log
    assert filled.thumbnails() == [
        "algae/thumbnails/é ü\n_200.jpg",
        "fungi/thumbnails/0a/x_200.jpg",
        "fungi/thumbnails/g_200.GIF",
        "fungi/thumbnails/p_200.png",
        "fungi/thumbnails/small_200.bmp",
        "fungi/thumbnails/t_200.tif",
    ]
    assert filled.size("fungi/thumbnails/0a/x_200.jpg") == ("JPEG", (200, 150))
    assert filled.size("fungi/thumbnails/p_200.png") == ("PNG", (100, 200))
    assert filled.size("fungi/thumbnails/g_200.GIF") == ("GIF", (200, 133))
    assert filled.size("fungi/thumbnails/t_200.tif") == ("JPEG", (200, 133))
    assert filled.size("fungi/thumbnails/small_200.bmp") == ("JPEG", (50, 40))
    assert filled.size("algae/thumbnails/é ü\n_200.jpg") == ("JPEG", (200, 1))
    assert re.search(
        r"^\[OK\] x\.jpg -> attachments/fungi/thumbnails/0a/x_200\.jpg \(\d+\.\d KB\)$", ran.out, re.M
    )
    assert r"[OK] é ü\n.jpg -> " in ran.out
    assert ran.out.count("[OK]") == 6
    assert re.search(r"Generated: 6\nErrors: 0\nTime: [\d.]+ seconds\nRate: [\d.,]+/min$", ran.out.strip())


def test_tiff_thumbnails_may_be_png_beside_them(filled: Archive) -> None:
    assert filled.generate("--tiff-as", "png").code == 0
    assert filled.size("fungi/thumbnails/t_200.png") == ("PNG", (200, 133))
    assert filled.size("fungi/thumbnails/small_200.png") == ("PNG", (50, 40))
    assert not filled.path("fungi/thumbnails/t_200.tif").exists()


def test_several_sizes_share_one_decode_and_have_a_journal_each(filled: Archive) -> None:
    assert filled.generate("-s", 240, "-s", 1024, "-s", 100).code == 0
    assert filled.size("fungi/thumbnails/0a/x_240.jpg") == ("JPEG", (240, 180))
    assert filled.size("fungi/thumbnails/0a/x_1024.jpg") == ("JPEG", (640, 480))
    assert len(filled.thumbnails()) == 18
    made = list(journal.read_journals(filled.manifest))
    assert sorted({one.scale for one in made}) == [100, 240, 1024]
    x = next(one for one in made if one.thumbnail_key.endswith("x_240.jpg"))
    assert (x.width, x.height, x.original_width, x.original_height) == (240, 180, 640, 480)
    assert x.byte_size == filled.path("fungi/thumbnails/0a/x_240.jpg").stat().st_size
    versions = {record.original_key: record.version for record in reader.records(filled.manifest)}
    assert {one.original_key: one.original_version for one in made} == versions


def test_existing_thumbnails_are_not_generated_again(filled: Archive) -> None:
    filled.generate()
    before = {path: filled.path(path).stat().st_mtime_ns for path in filled.thumbnails()}
    ran = filled.generate("--no-skip-existing")
    assert (ran.code, "Generated: 0" in ran.out) == (0, True)
    # Without a journal the existing files are checked.
    ran = filled.generate("--no-checkpoint", "--json")
    assert json.loads(ran.out)["skipped"] == 6
    assert {path: filled.path(path).stat().st_mtime_ns for path in filled.thumbnails()} == before
    ran = filled.generate("--no-checkpoint", "--no-skip-existing", "--json")
    assert json.loads(ran.out)["generated"] == 6


def test_a_changed_original_gets_a_new_thumbnail(filled: Archive) -> None:
    filled.generate()
    filled.put("fungi/originals/0a/x.jpg", picture((480, 640)))
    filled.scan("-q")
    ran = filled.generate("--json")
    assert json.loads(ran.out)["generated"] == 1
    assert filled.size("fungi/thumbnails/0a/x_200.jpg") == ("JPEG", (150, 200))


def test_another_scan_begins_another_journal(filled: Archive) -> None:
    filled.generate()
    assert len(filled.journal()) == 8
    filled.scan("-q")
    filled.generate()
    assert len(filled.journal()) == 1


def test_collection_resume_and_limit_select_images(filled: Archive) -> None:
    def planned(*options: object) -> list[str]:
        lines = filled.generate("-n", "--show-files", *options).out.splitlines()
        return [line.split(" -> ")[0].removeprefix("[DRY RUN] ") for line in lines if line.startswith("[DRY")]

    everything = [r"é ü\n.jpg", "x.jpg", "g.GIF", "p.png", "small.bmp", "t.tif"]
    assert planned() == everything
    assert planned("--collection", "algae") == everything[:1]
    assert planned("--resume", "p.png") == [everything[0], "x.jpg", "p.png", "small.bmp", "t.tif"]
    assert planned("--resume", "q") == [everything[0], "x.jpg", "small.bmp", "t.tif"]
    assert planned("--limit", 2) == everything[:2]
    assert planned("--limit", 0) == []
    assert planned("--limit", 1, "--resume", "p", "--collection", "fungi") == ["x.jpg"]
    assert filled.thumbnails() == []


def test_a_limit_counts_attempts(filled: Archive) -> None:
    filled.put("algae/originals/a bad.jpg", b"no image")
    filled.scan("-q")
    ran = filled.generate("--limit", 2, "--json")
    totals = json.loads(ran.out)
    assert (ran.code, totals["generated"], totals["errors"]) == (1, 1, 1)
    assert totals["causes"] == {"unsupported_type": 1}


def test_an_old_manifest_is_rejected_unless_forced(filled: Archive) -> None:
    found = filled.read()
    found["created_at_utc"] = "2026-01-01T00:00:00+00:00"
    filled.manifest.write_text(json.dumps(found))
    for options in ([], ["-n"]):
        ran = filled.generate(*options)
        assert (ran.code, ran.out) == (1, "")
        assert re.search(r"The manifest is [\d.]+ hours old.*--force", ran.log)
    assert filled.generate("-n", "-f").code == 0


def test_cadence_spaces_the_starts_of_the_whole_run(filled: Archive) -> None:
    started = time.monotonic()
    assert pregen("generate", "-m", filled.manifest, "-c", "0.8", "--limit", 4, "--workers", 2).code == 0
    assert time.monotonic() - started > 2.4
    times = sorted(filled.path(path).stat().st_mtime for path in filled.thumbnails())
    assert all(later - earlier > 0.4 for earlier, later in itertools.pairwise(times))


def test_errors_are_listed_with_their_causes(filled: Archive, tmp_path: Path) -> None:
    filled.put("fungi/originals/bad.jpg", b"no image")
    filled.put("fungi/originals/empty.jpg", b"")
    filled.put("fungi/originals/torn.jpg", picture()[:900])
    filled.scan("-q")
    ran = filled.generate("--errors", tmp_path / "errors", "-q")
    assert (ran.code, ran.out) == (1, "")
    listed = [json.loads(line) for line in (tmp_path / "errors").read_text().splitlines()]
    assert {(one["original_key"].rpartition("/")[2], one["code"]) for one in listed} == {
        ("bad.jpg", "unsupported_type"), ("empty.jpg", "empty_file"), ("torn.jpg", "corrupt_image"),
    }  # fmt: skip
    assert re.search(r"\[ERROR\] torn\.jpg -> This image is damaged or incomplete", ran.log)
    assert len(filled.thumbnails()) == 6
    assert sum("code" in line for line in filled.journal()) == 3


def test_orientation_and_transparency_are_rendered_correctly(archive: Archive) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    archive.put("fungi/originals/turned.jpg", picture((400, 200), exif=exif))
    clear = Image.new("RGBA", (400, 200), (0, 0, 0, 0))
    clear.save(archive.put("fungi/originals/clear.png"))
    deep = Image.new("I;16", (400, 200), 65535)
    deep.save(archive.put("fungi/originals/deep.tif"), "TIFF")
    archive.scan("-q")
    assert archive.generate().code == 0
    assert archive.size("fungi/thumbnails/turned_200.jpg") == ("JPEG", (100, 200))
    for name in ("clear_200.png", "deep_200.tif"):
        with Image.open(archive.path(f"fungi/thumbnails/{name}")) as image:
            assert image.convert("L").getextrema() == (255, 255)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_keeps_finished_thumbnails_and_logs_how_to_continue(
    archive: Archive, number: signal.Signals, code: int
) -> None:
    for index in range(40):
        archive.put(f"fungi/originals/{index:02}.jpg")
    archive.scan("-q")
    command = [*TOOL, "generate", "-m", str(archive.manifest), "-c", "0.05"]
    running = subprocess.Popen(
        command, cwd=SERVER, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    while len(archive.thumbnails()) < 3:
        time.sleep(0.02)
    # To the whole process group, as a terminal does.
    os.killpg(running.pid, number)
    _, log = running.communicate(timeout=30)
    assert running.returncode == code
    assert "Traceback" not in log
    assert "Finished thumbnails are kept." in log
    assert "Run the same command again to continue." in log
    existing = archive.thumbnails()
    assert 3 <= len(existing) < 40
    assert sum("thumbnail_key" in line for line in archive.journal()) == len(existing)
    assert archive.generate().code == 0
    assert len(archive.thumbnails()) == 40


def test_a_run_for_each_collection_shares_the_journal(filled: Archive) -> None:
    runs = [
        subprocess.Popen(
            [*TOOL, "generate", "-m", str(filled.manifest), "-c", "0", "-q", "--collection", name],
            cwd=SERVER, env=environment(),
        )
        for name in ("algae", "fungi")
    ]  # fmt: skip
    assert [run.wait(60) for run in runs] == [0, 0]
    assert len(list(journal.read_journals(filled.manifest))) == 6


def test_a_given_root_and_prefix_override_the_manifests(filled: Archive, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    (filled.root / "attachments").rename(moved / "media")
    assert filled.generate("--local-root", moved, "--local-prefix", "media").code == 0
    assert (moved / "media/fungi/thumbnails/0a/x_200.jpg").exists()


def test_a_torn_line_of_the_journal_is_skipped_and_terminated(filled: Archive) -> None:
    filled.generate()
    path = filled.manifest.with_name("media.json.200.journal")
    path.write_bytes(path.read_bytes()[:-30])
    before = len(list(journal.read_journals(filled.manifest)))
    assert filled.generate().code == 0
    assert path.read_bytes().endswith(b"\n")
    assert len(list(journal.read_journals(filled.manifest))) >= before
