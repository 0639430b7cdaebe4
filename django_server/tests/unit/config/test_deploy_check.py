"""`manage.py check --deploy` with the environment of the service `web` of docker-compose.yml."""

import subprocess
import sys
from pathlib import Path

from config.make_secrets import make_secrets
from tests.support.sites.started_site import SERVER_ROOT
from tests.support.stack.compose import services


def check(folder: Path, public_url: str) -> "subprocess.CompletedProcess[str]":
    make_secrets(folder, {})
    variables = {"PUBLIC_URL": public_url, "ALLOWED_HOSTS": "images.example.org"}
    composed = services(variables)["web"].environment
    places = {
        "DATA_DIR": str(folder),
        "TMPDIR": str(folder),
        "SECRET_KEY_FILE": str(folder / "secret_key"),
        "DATABASE_PASSWORD_FILE": str(folder / "database_password"),
    }
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=SERVER_ROOT,
        env={**composed, **places},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_production_settings_have_no_warnings(tmp_path: Path) -> None:
    checked = check(tmp_path, "https://images.example.org")
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


def test_without_https_there_is_a_warning_about_the_cookies(tmp_path: Path) -> None:
    checked = check(tmp_path, "http://images.example.org")
    assert checked.returncode == 1
    assert "security.W012" in checked.stderr
