"""Damaged images are probed and rendered: they give typed errors or thumbnails, in bounded time and memory.

Add a file that fails here to tests/support/corpus.
"""

import random
import subprocess
import sys
from pathlib import Path

from tests.support.fuzz.effort import is_long, seconds
from tests.support.sites.started_site import SERVER_ROOT

_SEED = 20_260_101
_FILES = 12_000
_MAX_SECONDS = 120
# 60 MB of Python and libraries; 8 Mpx of pixels at 4 bytes a few times over.
_MAX_MB = 400


def test_damaged_images_give_thumbnails_or_typed_errors(tmp_path: Path) -> None:
    seed = random.randrange(10**9) if is_long() else _SEED
    files = 10**9 if is_long() else _FILES
    duration_seconds = seconds(_MAX_SECONDS)
    command = [
        sys.executable,
        "-m",
        "tests.support.fuzz.render_mutated",
        str(tmp_path),
        str(seed),
        str(files),
        str(duration_seconds),
    ]
    ended = subprocess.run(
        command, cwd=SERVER_ROOT, capture_output=True, text=True, timeout=duration_seconds + 60, check=False
    )
    culprit = f"seed {seed}: see {tmp_path / 'current'}, made from {(tmp_path / 'made-from').read_text()}"
    assert ended.returncode == 0, f"{culprit}\n{ended.stdout}{ended.stderr[-3000:]}"
    outcomes = dict(line.split() for line in ended.stdout.splitlines())
    assert int(outcomes.pop("peak_mb")) <= _MAX_MB
    # If all damage had the same outcome, the test would prove little.
    assert {"completed", "corrupt_image", "too_many_pixels", "unsupported_type"} <= set(outcomes)
