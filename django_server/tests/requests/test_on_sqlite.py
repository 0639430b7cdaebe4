"""Idempotency once more on the embedded default's database, which has another clock and other locks."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_what_holds_for_keys_on_postgresql_holds_on_sqlite() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(HERE / "test_idempotency.py")],
        cwd=HERE.parents[1],
        env={**os.environ, "TEST_DATABASE": "sqlite"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-5000:]
