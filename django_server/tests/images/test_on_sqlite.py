"""The same protocol on the embedded default's database: the app's tests, once more, on SQLite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["test_processing", "test_sweep", "test_listing", "test_synchronous"])
def test_what_holds_on_postgresql_holds_on_sqlite(name: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(HERE / f"{name}.py")],
        cwd=HERE.parents[1],
        env={**os.environ, "TEST_DATABASE": "sqlite"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-5000:]
