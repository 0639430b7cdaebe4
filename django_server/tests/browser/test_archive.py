"""An existing archive of 100,000 files is scanned, registered, and opened in a real browser."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fixtures.sites import new_database
from tests.support.images.pictures import jpeg
from tests.support.servers.run_servers import RunServers
from tests.support.sites.running_site import RunningSite, running_site
from tests.support.sites.started_site import SERVER_ROOT

PAGE = SERVER_ROOT.parent / "svelte_app"
FILES = 100_000
COLOURS = ("teal", "firebrick", "goldenrod", "slateblue", "olive")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 100,000 originals in 1,000 folders, which are hard links to five pictures."""
    root = tmp_path_factory.mktemp("archive")
    sources = []
    for colour in COLOURS:
        source = root / f"{colour}.jpg"
        source.write_bytes(jpeg(1200, 900, colour))
        sources.append(source)
    for number in range(1000):
        folder = root / f"attachments/fungi/originals/{number % 256:02x}/{number // 256:02x}"
        folder.mkdir(parents=True)
        for index in range(FILES // 1000):
            os.link(sources[index % len(sources)], folder / f"{number:04d}-{index:03d}.jpg")
    return root


@pytest.fixture(scope="module")
def archive_site(
    archive: Path, run_postgres: RunServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningSite]:
    """A site that stores its files in the archive's folder."""
    settings = {
        "DATABASE_URL": new_database(run_postgres, "archive"),
        "SECRET_KEY": "for tests only",
        "MEDIA_ROOT": str(archive),
        "INCOMING_ROOT": str(tmp_path_factory.mktemp("incoming")),
    }
    with running_site(tmp_path_factory.mktemp("archive-site"), settings) as site:
        yield site


def run(*command: str, site: RunningSite) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=SERVER_ROOT,
        env=dict(site.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_a_hundred_thousand_files_go_from_scan_to_gallery(
    archive: Path, archive_site: RunningSite, tmp_path: Path
) -> None:
    manifest = str(tmp_path / "manifest.json")
    run("-m", "pregen", "scan", "--local-root", str(archive), "-o", manifest, "-q", site=archive_site)
    registered = json.loads(run("manage.py", "register", manifest, "--json", site=archive_site))
    assert (registered["new"], registered["unchanged"], registered["skipped"]) == (FILES, 0, {})
    again = json.loads(run("manage.py", "register", manifest, "--json", site=archive_site))
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, FILES)
    before = {path for path in (archive / "attachments").rglob("*") if path.is_file()}
    assert len(before) == FILES

    seen = subprocess.run(
        ["node_modules/.bin/playwright", "test", "--grep", "@archive"],
        cwd=PAGE,
        env={**os.environ, "BASE_URL": archive_site.url, "SAMPLES": str(archive), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert seen.returncode == 0, f"{seen.stdout}\n{seen.stderr}\n{archive_site.process.output}"
    assert "1 passed" in seen.stdout
    made = {path for path in (archive / "attachments").rglob("*") if path.is_file()} - before
    assert 24 * 3 <= len(made) <= 300 * 3
    assert all("/thumbnails/" in str(path) for path in made)
