"""Runs the specs of svelte_app/e2e: the page in the distribution's Chromium, with a started site."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.sites.running_site import running_site

REPOSITORY = Path(__file__).resolve().parents[3]
PAGE = REPOSITORY / "svelte_app"
# All specs, on two cores that also render their pictures.
SPECS_SECONDS = 900


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated photos as written by `make samples`, small copies for specs with many files, and a tiny one."""
    folder = tmp_path_factory.mktemp("samples")
    script = REPOSITORY / "benchmarks" / "samples.py"
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True, timeout=120)
    for photo in sorted(folder.glob("photo-*.jpg")):
        _shrink(photo, folder / photo.name.replace("photo", "small"), 640)
    _shrink(folder / "photo-01.jpg", folder / "tiny.jpg", 32)
    return folder


def _shrink(photo: Path, smaller: Path, longest_edge_px: int) -> None:
    with Image.open(photo) as image:
        image.draft("RGB", (longest_edge_px, longest_edge_px))
        image.thumbnail((longest_edge_px, longest_edge_px))
        image.save(smaller)


@pytest.mark.timeout(SPECS_SECONDS + 120)
def test_every_spec_of_the_page_passes_in_a_real_browser(samples: Path, tmp_path: Path) -> None:
    assert (PAGE / "dist" / "index.html").exists(), "The page is not built: `make test` builds it."
    with running_site(tmp_path) as site:
        run = subprocess.run(
            # With a broken server every spec would run into its time limit.
            ["node_modules/.bin/playwright", "test", "--max-failures", "5", "--grep-invert", "@archive"],
            cwd=PAGE,
            env={
                **os.environ,
                "BASE_URL": site.url,
                "SAMPLES": str(samples),
                "PYTHON": sys.executable,
                "NO_COLOR": "1",
            },
            capture_output=True,
            text=True,
            timeout=SPECS_SECONDS,
            check=False,
        )
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}\n{site.process.output}"
    assert " passed" in run.stdout
    # A skipped spec has tested nothing.
    assert " skipped" not in run.stdout
