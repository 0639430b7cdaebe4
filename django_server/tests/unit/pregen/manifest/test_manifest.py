"""Manifests of all formats load; the current format is read with constant memory in any order of keys."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pregen.errors import UnreadableManifest
from pregen.generate.render_requests import missing_scales
from pregen.manifest import reader

MINIMAL = {
    "original_key": "attachments/fungi/originals/x.jpg",
    "original_size": 5,
    "original_modified": "2026-01-02T03:04:05+00:00",
    "collection": "fungi",
    "filename": "x.jpg",
}
LEGACY = MINIMAL | {
    "thumbnail_key": "attachments/fungi/thumbnails/x_200.jpg",
    "thumbnail_exists": True,
    "thumbnail_size": 9000,
    "thumbnail_modified": "2026-02-02T03:04:05+00:00",
}


def _write(path: Path, found: object, **options: Any) -> Path:
    path.write_text(json.dumps(found, **options))
    return path


def test_only_created_at_is_required(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.json", {"created_at": "2026-03-04T05:06:07.890123"})
    head = reader.read_head(path)
    assert (head.storage_type, head.s3_prefix, head.collections, head.local_root) == (
        "local",
        "attachments",
        (),
        None,
    )
    assert head.created_at == datetime(2026, 3, 4, 5, 6, 7, 890123).astimezone(UTC)
    with pytest.raises(UnreadableManifest, match="does not say"):
        reader.read_head(_write(path, {"records": []}))


def test_a_timestamp_with_an_offset_loads(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.json", {"created_at": "2026-03-04T05:06:07+02:00"})
    assert reader.read_head(path).created_at == datetime(2026, 3, 4, 3, 6, 7, tzinfo=UTC)


def test_legacy_records_load_as_one_thumbnail_of_200_pixels(tmp_path: Path) -> None:
    gone = LEGACY | {"thumbnail_exists": False, "thumbnail_modified": None, "thumbnail_size": None}
    found = {"created_at": "2026-01-01T00:00:00", "records": [LEGACY, gone, MINIMAL], "unknown": {"a": [1]}}
    legacy, missing, minimal = reader.records(_write(tmp_path / "m.json", found))
    assert legacy.base_thumbnail_key == "attachments/fungi/thumbnails/x_200.jpg"
    assert (legacy.thumbnails[200].scale, legacy.thumbnails[200].size) == (200, 9000)
    assert missing.thumbnails == minimal.thumbnails == {}
    assert (missing_scales(legacy, (200, 400)), missing_scales(missing, (200,))) == ([400], [200])


def test_the_objects_key_is_the_scale(tmp_path: Path) -> None:
    one = {"scale": 7, "key": "k", "size": 1, "modified": "2026-02-02T03:04:05+00:00"}
    found = {"created_at": "2026-01-01T00:00:00", "records": [MINIMAL | {"thumbnails": {"200": one}}]}
    (record,) = reader.records(_write(tmp_path / "m.json", found))
    assert list(record.thumbnails) == [200]
    assert record.thumbnails[200].scale == 200


def test_an_older_thumbnail_than_its_original_is_missing(tmp_path: Path) -> None:
    one = {"scale": 200, "key": "k", "size": 1, "modified": "2026-01-02T03:04:04+00:00"}
    found = {"created_at": "2026-01-01T00:00:00", "records": [MINIMAL | {"thumbnails": {"200": one}}]}
    (record,) = reader.records(_write(tmp_path / "m.json", found))
    assert missing_scales(record, (200,)) == [200]


@pytest.mark.parametrize("indent", [2, None, 4])
@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_keys_and_the_indent_do_not_matter(
    tmp_path: Path, indent: int | None, turned: bool
) -> None:
    stats = {"name": "fungi", "total_images": 1, "with_thumbnails": 0, "missing_thumbnails": 1}
    found = {
        "created_at": "2026-01-01T00:00:00+00:00", "storage_type": "s3", "s3_endpoint": "http://s3", "s3_bucket": "b",
        "s3_prefix": "p", "local_root": None, "collections": ["fungi"], "collection_stats": {"fungi": stats},
        "records": [MINIMAL, MINIMAL], "extra": [{"a": 1}], "scan_duration_seconds": 1.25,
    }  # fmt: skip
    if turned:
        found = dict(reversed(found.items()))
    path = _write(tmp_path / "m.json", found, indent=indent)
    head = reader.read_head(path)
    assert (head.s3_bucket, head.s3_prefix, head.scan_duration_seconds) == ("b", "p", 1.25)
    assert head.collection_stats["fungi"].total_images == 1
    assert len(list(reader.records(path))) == 2


def test_memory_does_not_grow_with_the_records(tmp_path: Path) -> None:
    program = (
        "import resource, sys; from pathlib import Path; from pregen.manifest import reader\n"
        "count = sum(1 for _ in reader.records(Path(sys.argv[1])))\n"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for count in (100, 40_000):
        text = json.dumps(MINIMAL)
        path = tmp_path / f"{count}.json"
        path.write_text(
            '{"created_at": "2026-01-01T00:00:00", "records": [' + ",".join([text] * count) + "]}"
        )
        ran = subprocess.run(
            [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
        )
        found, peak = map(int, ran.stdout.split())
        assert found == count
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 8_000  # kilobytes; a list of them takes 70 MB
