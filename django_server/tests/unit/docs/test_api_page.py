"""The generated tables of docs/api.md are what the code gives. Needs no server."""

import os
import subprocess
import sys
from pathlib import Path

SERVER_ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "manage.py").exists())
PAGE = SERVER_ROOT.parent / "docs" / "api.md"


def api_docs(tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command with the default settings, whatever this run has set."""
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "manage.py", "api_docs", *arguments]
    return subprocess.run(
        command, cwd=SERVER_ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_page_has_the_tables_that_the_code_gives(tmp_path: Path) -> None:
    ran = api_docs(tmp_path, "--check")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_change_by_hand_is_found_and_undone(tmp_path: Path) -> None:
    page = tmp_path / "api.md"
    page.write_text(PAGE.read_text().replace("| `corrupt_image` | 422 |", "| `corrupt_image` | 400 |"))
    found = api_docs(tmp_path, "--check", "--page", str(page))
    assert found.returncode == 1
    assert "differs from the code" in found.stderr
    assert api_docs(tmp_path, "--page", str(page)).returncode == 0
    assert page.read_text() == PAGE.read_text()
