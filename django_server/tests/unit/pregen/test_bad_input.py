"""Each kind of bad input: a clear message, the right exit code, the run continues, no partial file."""

import json
import os
import zlib
from pathlib import Path

import pytest

from pregen.cli import main
from pregen.errors import UnreadableManifest
from pregen.manifest import reader
from tests.support.pregen.harsh import HARSH
from tests.support.pregen.tool import Archive, picture, pregen


def test_without_a_command_the_help_is_printed() -> None:
    ran = pregen()
    assert ran.code == 1
    assert "scan" in ran.out
    assert ran.log == ""


@pytest.mark.parametrize(
    "line",
    [
        "generate",
        "report -m",
        "generate -m a.json b.json",
        "generate -m a.json -s 0",
        "report -m a.json -s -5",
        "generate -m a.json -s big",
        "scan --limit -1",
        "report -m a.json -t everything",
        "paint",
    ],
)
def test_a_usage_error_exits_with_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    assert "usage: pregen" in capsys.readouterr().err


def test_several_manifests_after_m_are_a_usage_error() -> None:
    assert (
        "-m takes one manifest, not 2. Did the shell expand a pattern?"
        in pregen("report", "-m", "a", "b").log
    )


def test_a_missing_location_is_reported() -> None:
    ran = pregen("scan")
    assert ran.code == 1
    assert "--local-root" in ran.log
    assert "S3_BUCKET" in ran.log


def test_a_missing_root_is_reported(archive: Archive, tmp_path: Path) -> None:
    ran = pregen("scan", "--local-root", tmp_path / "nowhere", "-o", archive.manifest)
    assert (ran.code, archive.manifest.exists()) == (1, False)
    assert f"There is no folder {tmp_path / 'nowhere'}." in ran.log
    archive.put("fungi/originals/x.jpg")
    archive.scan("-q")
    ran = archive.generate("--local-root", tmp_path / "nowhere")
    assert ran.code == 1
    assert "There is no folder" in ran.log


def test_an_unreadable_folder_or_file_is_reported_and_the_scan_continues(archive: Archive) -> None:
    archive.put("fungi/originals/locked/x.jpg").parent.chmod(0)
    archive.put("fungi/originals/y.jpg").chmod(0)
    archive.put("fungi/originals/z.jpg")
    unprivileged = (*HARSH, "unprivileged")
    ran = archive.scan(before=unprivileged)
    assert ran.code == 1
    assert "attachments/fungi/originals/locked -> It can't be read: Permission denied. Skipped." in ran.log
    assert [record["filename"] for record in archive.read()["records"]] == ["y.jpg", "z.jpg"]
    ran = archive.generate(before=unprivileged)
    assert ran.code == 1
    assert "y.jpg -> The original can't be read: Permission denied." in ran.log
    assert archive.thumbnails() == ["fungi/thumbnails/z_200.jpg"]
    archive.path("fungi/originals/locked").chmod(0o755)


def test_a_read_only_target_is_reported_for_each_image(archive: Archive) -> None:
    archive.put("fungi/originals/x.jpg")
    archive.put("algae/originals/x.jpg")
    archive.path("fungi").chmod(0o555)
    archive.scan("-q")
    ran = archive.generate(before=(*HARSH, "unprivileged"))
    assert ran.code == 1
    assert "x.jpg -> The thumbnail can't be written: Permission denied." in ran.log
    assert archive.thumbnails() == ["algae/thumbnails/x_200.jpg"]
    archive.path("fungi").chmod(0o755)


def test_a_manifest_that_can_not_be_written_is_reported(archive: Archive, tmp_path: Path) -> None:
    archive.put("fungi/originals/x.jpg")
    ran = pregen("scan", "--local-root", archive.root, "-o", tmp_path / "none" / "m.json")
    assert ran.code == 1
    assert "There is no folder" in ran.log
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    ran = pregen(
        "scan", "--local-root", archive.root, "-o", locked / "m.json", before=(*HARSH, "unprivileged")
    )
    assert ran.code == 1
    assert "The scan failed and wrote nothing. Permission denied." in ran.log


def test_a_full_disk_leaves_no_half_manifest_and_no_half_thumbnail(archive: Archive) -> None:
    for index in range(40):
        archive.put(f"fungi/originals/{index:02}.jpg")
    archive.manifest.write_text("old")
    ran = archive.scan(before=(*HARSH, "full:5000"))
    assert ran.code == 1
    assert "The scan failed and wrote nothing. File too large." in ran.log
    assert archive.manifest.read_text() == "old"
    archive.scan("-q", "--limit", 2)
    ran = archive.generate("--no-checkpoint", before=(*HARSH, "full:500"))
    assert ran.code == 1
    assert "00.jpg -> The thumbnail can't be written: No space left on device." in ran.log
    assert archive.thumbnails() == []


def test_an_original_deleted_or_replaced_by_a_folder_is_reported(archive: Archive) -> None:
    for name in ("folder.jpg", "gone.jpg", "there.jpg"):
        archive.put(f"fungi/originals/{name}")
    archive.scan("-q")
    archive.path("fungi/originals/gone.jpg").unlink()
    archive.path("fungi/originals/folder.jpg").unlink()
    archive.path("fungi/originals/folder.jpg").mkdir()
    ran = archive.generate()
    assert ran.code == 1
    assert "gone.jpg -> The original no longer exists." in ran.log
    assert "folder.jpg -> The original is not a file." in ran.log
    assert archive.thumbnails() == ["fungi/thumbnails/there_200.jpg"]


def test_corrupt_and_huge_images_are_reported_and_the_run_continues(archive: Archive) -> None:
    png = picture((10, 10), "PNG")
    header = b"IHDR" + (30_000).to_bytes(4, "big") * 2 + png[24:29]
    huge = png[:12] + header + zlib.crc32(header).to_bytes(4, "big") + png[33:]
    archive.put("fungi/originals/bomb.png", huge)
    archive.put("fungi/originals/cut.jpg", picture((2000, 1500))[:3000])
    archive.put("fungi/originals/empty.tif", b"")
    archive.put("fungi/originals/text.gif", b"GIF89a but no more")
    archive.put("fungi/originals/whole.jpg")
    archive.scan("-q")
    ran = archive.generate()
    assert ran.code == 1
    for line in (
        "bomb.png -> This image has 30000 x 30000 pixels; at most 600 million are accepted.",
        "cut.jpg -> This image is damaged or incomplete",
        "empty.tif -> This file is empty.",
        "text.gif -> This image is damaged or incomplete",
    ):
        assert line in ran.log
    assert "Generated: 1\nErrors: 4" in ran.out
    assert archive.thumbnails() == ["fungi/thumbnails/whole_200.jpg"]


def test_unusual_names_are_scanned_generated_and_printed_on_one_line(archive: Archive) -> None:
    names = [
        "two words.jpg",
        "line\nbreak.jpg",
        "日本語.jpg",
        "🦊.jpg",
        "quote'\".jpg",
        "-dash.jpg",
        "a\\b.jpg",
        "%41.jpg",
    ]
    for name in names:
        archive.put(f"fungi/originals/{name}")
    assert archive.scan().code == 0
    ran = archive.generate("--show-files")
    assert ran.code == 0
    assert len(archive.thumbnails()) == len(names)
    assert ran.out.count("[OK]") == len(names)


def test_a_name_that_is_not_utf_8_is_reported_and_skipped(archive: Archive) -> None:
    archive.put("fungi/originals/x.jpg")
    folder = os.fsencode(archive.path("fungi/originals"))
    Path(os.fsdecode(folder + b"/\xff.jpg")).write_bytes(picture())
    ran = archive.scan()
    assert ran.code == 1
    assert r"\udcff.jpg -> Its name is not valid UTF-8. Skipped." in ran.log
    assert [record["filename"] for record in archive.read()["records"]] == ["x.jpg"]


def test_loops_of_links_end(archive: Archive) -> None:
    archive.put("fungi/originals/x.jpg")
    archive.path("fungi/originals/up").symlink_to(archive.root)
    archive.path("fungi/originals/loop.jpg").symlink_to("loop.jpg")
    archive.path("fungi/originals/nothing.jpg").symlink_to("nothing at all")
    ran = archive.scan()
    assert ran.code == 1
    assert "loop.jpg -> It can't be read: Too many levels of symbolic links. Skipped." in ran.log
    assert [record["filename"] for record in archive.read()["records"]] == ["x.jpg"]


@pytest.fixture
def scanned(archive: Archive) -> Archive:
    archive.put("fungi/originals/x.jpg")
    archive.put("fungi/originals/y.jpg")
    archive.scan("-q")
    return archive


def test_a_missing_or_damaged_manifest_is_reported(scanned: Archive) -> None:
    whole = scanned.manifest.read_bytes()
    for content in (b"", b"[]", b'"text"', whole[:-40], whole[: len(whole) // 2], whole + b"}", b"\xff" * 9):
        scanned.manifest.write_bytes(content)
        with pytest.raises(UnreadableManifest, match=r"media\.json"):
            _read(scanned.manifest)
    scanned.manifest.write_bytes(whole[: len(whole) // 2])
    for command in ("generate", "report"):
        ran = pregen(command, "-m", scanned.manifest)
        assert (ran.code, ran.out) == (1, "")
        assert f"The manifest {scanned.manifest} is damaged or truncated." in ran.log
    assert scanned.thumbnails() == []
    scanned.manifest.unlink()
    assert f"There is no manifest {scanned.manifest}." in pregen("report", "-m", scanned.manifest).log


def _read(path: Path) -> None:
    reader.read_head(path)
    for _ in reader.records(path):
        pass


def test_a_deeply_nested_manifest_is_rejected_quickly(scanned: Archive) -> None:
    for start in (
        b'{"created_at": "2026-01-01T00:00:00", "records": [',
        b'{"a": ',
        b'{"records": [{"x": {"a":',
    ):
        scanned.manifest.write_bytes(start + b"[" * 3_000_000)
        with pytest.raises(UnreadableManifest):
            _read(scanned.manifest)


HOSTILE: list[dict[str, object]] = [
    {"original_key": "attachments/fungi/originals/../../../../outside/x.jpg"},
    {"original_key": "/etc/originals/x.jpg"},
    {"original_key": "attachments/fungi/originals/./x.jpg"},
    {"original_key": "attachments/fungi/originals/x.jpg\0", "filename": "x.jpg\0"},
    {"original_key": "attachments/algae/originals/x.jpg"},
    {"original_key": "elsewhere/fungi/originals/x.jpg"},
    {"original_key": "attachments/fungi/thumbnails/x.jpg"},
    {"original_key": "attachments/../fungi/originals/x.jpg"},
    {"original_key": "attachments/fungi/originals/other.jpg"},
    {"original_key": 7},
    {"original_key": ""},
    {"original_modified": "yesterday"},
    {"original_size": "large"},
    {"thumbnails": {"big": {}}},
    {"thumbnails": [1]},
    {"collection": "..", "original_key": "attachments/../originals/x.jpg"},
]


def test_hostile_records_are_reported_and_skipped(scanned: Archive, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.jpg").write_bytes(picture())
    found = scanned.read()
    x, y = found["records"]
    found["records"] = [*({**x, **change} for change in HOSTILE), "no record", None, [x], y]
    scanned.manifest.write_text(json.dumps(found))
    ran = scanned.generate()
    assert ran.code == 1
    assert len([line for line in ran.log.splitlines() if "[ERROR]" in line]) == len(HOSTILE) + 3
    assert f"Generated: 1\nErrors: {len(HOSTILE) + 3}" in ran.out
    assert scanned.thumbnails() == ["fungi/thumbnails/y_200.jpg"]
    assert [path.name for path in outside.iterdir()] == ["x.jpg"]


def test_thumbnail_keys_of_a_manifest_are_not_used_for_writing(scanned: Archive) -> None:
    found = scanned.read()
    found["records"][0]["base_thumbnail_key"] = "../../outside.jpg"
    scanned.manifest.write_text(json.dumps(found))
    assert scanned.generate().code == 0
    assert scanned.thumbnails() == ["fungi/thumbnails/x_200.jpg", "fungi/thumbnails/y_200.jpg"]


def test_a_closed_output_pipe_ends_the_run_quietly(scanned: Archive) -> None:
    ran = pregen(
        "report", "-m", scanned.manifest, "-t", "missing",
        before=("/bin/sh", "-c", '"$@" | true; echo "sh ended" >&2', "sh"),
    )  # fmt: skip
    assert ran.log.strip() == "sh ended"
