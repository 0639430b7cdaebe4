"""Runs tests again on SQLite, the embedded default's database, in a process of their own with other settings."""

import os
import subprocess
import sys
from pathlib import Path

SERVER_ROOT = Path(__file__).resolve().parents[3]


def failures_on_sqlite(tests: Path) -> str:
    """The end of pytest's output if a test of this file failed on SQLite; empty if all passed."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(tests)],
        cwd=SERVER_ROOT,
        env={**os.environ, "TEST_DATABASE": "sqlite"},
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if run.returncode == 0 else (run.stdout or run.stderr)[-5000:]
