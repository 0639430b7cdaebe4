"""The five reports: correct under -s and --collection, and readable."""

import json

import pytest

from pregen.formatting import duration_text, printable, share_text, size_text
from pregen.report.counts import CollectionTally
from pregen.report.texts import plan
from tests.support.pregen.tool import Archive


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    root = tmp_path_factory.mktemp("reports") / "media"
    (root / "attachments").mkdir(parents=True)
    archive = Archive(root)
    for index in range(120):
        archive.put(f"fungi/originals/{index:03}.jpg", bytes(2048))
    for index in range(30):
        archive.put(f"fungi/thumbnails/{index:03}_200.jpg", bytes(512))
    for index in range(10):
        archive.put(f"fungi/thumbnails/{index:03}_400.jpg", bytes(1024))
    archive.put("algae/originals/a.png", bytes(1 << 20))
    archive.put("algae/thumbnails/a_400.png", bytes(100))
    archive.scan("-q")
    return archive


def test_summary(scanned: Archive) -> None:
    out = scanned.report().out
    assert "SUMMARY" in out
    assert "WARNING" not in out
    for line in ("Total Images: 121", "With Thumbnails: 31", "Missing Thumbnails: 90", "Coverage: 25.6%"):
        assert line in out.splitlines()
    assert "fungi         120    30       90     25.0%" in out
    only = scanned.report("--collection", "algae").out
    assert "Total Images: 1\n" in only
    assert "fungi" not in only
    at_400 = scanned.report("-s", 400).out
    assert "With Thumbnails: 11 (at 400px)\nMissing Thumbnails: 110 (at 400px)" in at_400


def test_detailed(scanned: Archive) -> None:
    out = scanned.report("-t", "detailed").out
    assert "Storage Statistics" in out
    assert "fungi        240.0 KB     25.0 KB  10.4%" in out
    assert "TOTAL          1.2 MB     25.1 KB   2.0%" in out


def test_plan_counts_the_thumbnails_that_generate_would_render(scanned: Archive) -> None:
    for size, wanted in ((200, 91), (400, 110), (64, 121)):
        out = scanned.report("-t", "plan", "-s", size).out
        assert "ACTION PLAN" in out
        assert f"Target size: {size}px" in out
        assert f"Thumbnails to Generate: {wanted}\n" in out
        assert json.loads(scanned.generate("-n", "-s", size, "--json").out)["planned"] == wanted
    out = scanned.report("-t", "plan", "-c", 2, "--collection", "fungi").out
    assert "Thumbnails to Generate: 90\n" in out
    for line in ("one image per 2 s: 3.0 minutes", "per 0.5 s: 45.0 seconds", "per 0.1 s: 9.0 seconds"):
        assert line in out


def test_missing(scanned: Archive) -> None:
    lines = scanned.report("-t", "missing").out.splitlines()
    assert "MISSING THUMBNAILS (200px)" in lines
    assert lines[3:5] == ["[algae] a.png", "[fungi] 030.jpg"]
    assert sum(line.startswith("[") for line in lines) == 91
    lines = scanned.report("-t", "missing", "-s", 400).out.splitlines()
    assert sum(line.startswith("[") for line in lines) == 100
    assert lines[-3:] == ["... and 10 more", "", "Total missing: 110"]
    everything = scanned.report("-t", "missing", "-s", 400, "--all").out.splitlines()
    assert sum(line.startswith("[") for line in everything) == 110


def test_sizes(scanned: Archive) -> None:
    out = scanned.report("-t", "sizes", "-s", 300).out
    assert "fungi: 120 images" in out
    assert "@200               30     25.0%  15.0 KB    512 B" in out
    assert "@300 <- target      0      0.0%      0 B        -" in out
    assert "@400               11      9.1%  10.1 KB    940 B" in out
    assert out.strip().endswith("To generate @300 thumbnails: 121")


def test_a_stale_manifest_gets_a_warning(scanned: Archive) -> None:
    found = scanned.read() | {"created_at_utc": "2026-01-01T00:00:00+00:00"}
    old = scanned.manifest.with_name("old.json")
    old.write_text(json.dumps(found))
    for kind in ("summary", "detailed", "plan"):
        ran = Archive(scanned.root.with_name("old")).report("-t", kind)
        assert (ran.code, "WARNING" in ran.out) == (0, True)


def test_every_report_has_a_json_form_and_rejects_unknown_collections(scanned: Archive) -> None:
    found = json.loads(scanned.report("-t", "plan", "--json").out)
    assert found["total"]["to_generate"] == 91
    ran = scanned.report("--collection", "moss")
    assert ran.code == 1
    assert "The manifest has no collection moss. It has: algae, fungi." in ran.log


def test_the_last_rate_makes_an_estimate() -> None:
    from pregen.report.texts import ReportHeader

    facts = ReportHeader("now", 0, is_stale=False, place="folder /", prefix="a", scan_seconds=1)
    text = plan(facts, [CollectionTally("fungi", to_generate=600)], 200, 1.0, 10.0)
    assert "at the rate of the last run (600.0/min): 1.0 minutes" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(30, "30.0 seconds"), (90, "1.5 minutes"), (3600, "1.0 hours")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1 << 20, "1.0 MB"), (3 << 50, "3.0 PB")]
)
def test_bytes(size: int, text: str) -> None:
    assert size_text(size) == text


def test_shares_and_names() -> None:
    assert share_text(1, 3) == "33.3%"
    assert share_text(0, 0) == "0.0%"
    assert printable("a\nb\x1b[2J\u2028é") == r"a\nb\x1b[2J\u2028é"
