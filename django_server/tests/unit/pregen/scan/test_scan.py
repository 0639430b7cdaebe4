"""The output of a scan: names, order, counts, the bytes of the format."""

import json
import os
import re
from pathlib import Path

import pytest

from filestore.local import LocalStore
from pregen.manifest import reader
from tests.support.pregen.old_reader import load
from tests.support.pregen.tool import Archive, pregen

KEYS_IN_ORDER = [
    "created_at", "created_at_utc", "storage_type", "s3_endpoint", "s3_bucket", "s3_prefix", "local_root",
    "collections", "collection_stats", "records", "scan_duration_seconds",
]  # fmt: skip
RECORD_KEYS_IN_ORDER = [
    "original_key", "original_size", "original_modified", "base_thumbnail_key", "collection", "filename",
    "thumbnails",
]  # fmt: skip


@pytest.fixture
def filled(archive: Archive) -> Archive:
    for place in ("fungi/originals/0a/x.jpg", "fungi/originals/0a/y.JPG", "fungi/originals/é ü.png"):
        archive.put(place, b"12345")
    archive.put("fungi/originals/0a/empty.gif", b"")
    archive.put("fungi/originals/0a/readme.txt")
    archive.put("fungi/thumbnails/0a/x_200.jpg", b"12")
    archive.put("fungi/thumbnails/0a/x_400.jpg", b"123")
    archive.put("fungi/thumbnails/0a/y_200.jpg", b"another extension")
    archive.put("fungi/thumbnails/é ü.png", b"1")
    archive.put("fungi/thumbnails/gone_200.jpg")
    archive.put("algae/originals/new\nline.tif", b"1")
    archive.put("uploads/originals/aa/bb/aabb.jpg", b"1")
    archive.path("barren").mkdir()
    return archive


def test_the_manifest_lists_the_archive_in_the_documented_format(filled: Archive) -> None:
    ran = filled.scan()
    assert ran.code == 0, ran.log
    found = filled.read()
    assert list(found) == KEYS_IN_ORDER
    assert found["collections"] == ["algae", "barren", "fungi"]
    assert list(found["collection_stats"]) == ["algae", "fungi"]
    assert found["collection_stats"]["fungi"] == {
        "name": "fungi",
        "total_images": 4,
        "with_thumbnails": 2,
        "missing_thumbnails": 2,
        "total_original_bytes": 15,
        "total_thumbnail_bytes": 6,
    }
    assert [record["original_key"] for record in found["records"]] == [
        "attachments/algae/originals/new\nline.tif",
        "attachments/fungi/originals/0a/empty.gif",
        "attachments/fungi/originals/0a/x.jpg",
        "attachments/fungi/originals/0a/y.JPG",
        "attachments/fungi/originals/é ü.png",
    ]
    assert all(list(record) == RECORD_KEYS_IN_ORDER for record in found["records"])
    x = found["records"][2]
    assert list(x["thumbnails"]) == ["200", "400"]
    assert x["thumbnails"]["400"]["key"] == "attachments/fungi/thumbnails/0a/x_400.jpg"
    assert list(x["thumbnails"]["400"]) == ["scale", "key", "size", "modified"]
    assert list(found["records"][4]["thumbnails"]) == ["0"]
    assert "2 thumbnails have no original." in ran.log


def test_the_bytes_are_those_of_an_indented_dump(filled: Archive) -> None:
    filled.scan()
    assert filled.manifest.read_text() == json.dumps(filled.read(), indent=2) + "\n"


def test_an_empty_archive_has_an_empty_manifest(archive: Archive) -> None:
    assert archive.scan().code == 0
    assert archive.read()["records"] == []
    assert archive.manifest.read_text() == json.dumps(archive.read(), indent=2) + "\n"
    assert list(reader.records(archive.manifest)) == []


def test_an_old_reader_loads_the_manifest(filled: Archive) -> None:
    filled.scan()
    stats, records = load(filled.manifest.read_text())
    assert stats["fungi"].total_images == 4
    assert [record["filename"] for record in records][2:4] == ["x.jpg", "y.JPG"]


def test_versions_of_a_manifest_are_those_of_the_files(filled: Archive) -> None:
    os.utime(filled.path("fungi/originals/0a/x.jpg"), ns=(0, 1_700_000_000_123_456_789))
    os.utime(filled.path("fungi/originals/0a/y.JPG"), ns=(0, -1))
    filled.scan()
    store = LocalStore(filled.root)
    for record in reader.records(filled.manifest):
        assert record.version == store.stat(record.original_key).version


def test_logs_go_to_stderr_and_reports_to_stdout(filled: Archive) -> None:
    ran = filled.scan()
    assert "SUMMARY" in ran.out
    assert "Total Images: 5" in ran.out
    line = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[(INFO|WARNING|ERROR|DEBUG)\] .+")
    assert ran.log.splitlines()
    assert all(line.fullmatch(text) for text in ran.log.splitlines())
    assert filled.scan("-q") == type(ran)(0, "", "")


def test_each_file_can_be_shown_on_one_line(filled: Archive) -> None:
    ran = filled.scan("--show-files", "--collection", "fungi", "--collection", "algae")
    assert ran.out.splitlines() == [
        r"new\nline.tif: NO thumbnails",
        "empty.gif: NO thumbnails",
        "x.jpg: @200, @400",
        "y.JPG: NO thumbnails",
        "é ü.png: @0",
    ]


@pytest.mark.parametrize(("limit", "names"), [(0, []), (2, ["new\nline.tif", "empty.gif"]), (3, 3), (99, 5)])
def test_a_limit_counts_across_collections_and_changes_no_match(
    filled: Archive, limit: int, names: list[str] | int
) -> None:
    filled.scan()
    whole = filled.read()["records"]
    assert filled.scan("--limit", limit).code == 0
    records = filled.read()["records"]
    assert records == whole[: len(records)]
    assert (
        [record["filename"] for record in records] == names
        if isinstance(names, list)
        else len(records) == names
    )


def test_the_servers_own_collection_is_scanned_when_it_is_named(filled: Archive) -> None:
    filled.scan("--collection", "uploads")
    assert filled.read()["collections"] == ["uploads"]


def test_an_unknown_collection_is_reported_with_the_known_ones(filled: Archive) -> None:
    ran = filled.scan("--collection", "fungy")
    assert ran.code == 1
    assert "There is no collection fungy. There are: algae, barren, fungi, uploads." in ran.log
    assert not filled.manifest.exists()


def test_another_prefix_and_no_prefix_are_possible(archive: Archive, tmp_path: Path) -> None:
    archive.put("fungi/originals/x.jpg")
    for root, prefix in ((tmp_path, "media/attachments"), (archive.root / "attachments", "")):
        ran = pregen("scan", "--local-root", root, "--local-prefix", prefix, "-o", archive.manifest, "--json")
        assert ran.code == 0, ran.log
        assert json.loads(ran.out)["collections"]["fungi"]["total_images"] == 1
        assert pregen("generate", "-m", archive.manifest, "-c", 0).code == 0
    assert archive.thumbnails() == ["fungi/thumbnails/x_200.jpg"]


def test_more_than_a_thousand_collections_are_found(archive: Archive) -> None:
    for number in range(1_010):
        archive.path(f"c{number:04}").mkdir()
    assert archive.scan("-q").code == 0
    assert len(archive.read()["collections"]) == 1_010


def test_a_second_scan_replaces_the_whole_manifest(filled: Archive) -> None:
    filled.manifest.write_text("old")
    assert filled.scan().code == 0
    assert filled.read()["records"]
    assert sorted(path.name for path in filled.root.parent.iterdir()) == ["media", "media.json"]
