"""The built page in a browser, served by nginx: its Content-Security-Policy must not block it."""

import os
import subprocess
from pathlib import Path

from tests.support.images.pictures import jpeg
from tests.support.stack.asking import client
from tests.support.stack.stack import Stack

_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)
# Time limit for loading the page before its elements are printed.
_SETTLED = "--virtual-time-budget=8000"


def test_the_gallery_shows_its_pictures_and_breaks_no_policy(stack: Stack, tmp_path: Path) -> None:
    with client(stack) as asking:
        image = asking.post("/api/upload", files={"image": ("shown-here.jpg", jpeg())}).json()["image"]
    browser = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    command = [
        browser,
        *_QUIET,
        f"--user-data-dir={tmp_path}",
        "--enable-logging=stderr",
        _SETTLED,
        "--dump-dom",
    ]
    shown = subprocess.run(
        [*command, f"{stack.url}/gallery"], capture_output=True, text=True, timeout=90, check=True
    )
    assert image["id"] in shown.stdout, shown.stdout[-2000:]
    assert "Content Security Policy" not in shown.stderr, shown.stderr
