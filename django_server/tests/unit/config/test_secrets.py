"""The secrets of an installation: given or generated once, written to files, and read from there."""

import subprocess
import sys
from pathlib import Path

from config.make_secrets import make_secrets
from tests.support.sites.started_site import SERVER_ROOT


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_secrets_that_are_not_given_are_generated_once(tmp_path: Path) -> None:
    make_secrets(tmp_path, {"SECRET_KEY": "", "POSTGRES_PASSWORD": ""})
    made = contents(tmp_path)
    make_secrets(tmp_path, {})
    assert contents(tmp_path) == made
    assert len(made["secret_key"]) == 50
    assert made["database_password"] != made["secret_key"]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {
        "secret_key": "0o400",  # not for the database and the pool, which mount the same volume
        "database_password": "0o440",
        "pgbouncer_users": "0o440",
    }


def test_secrets_that_are_given_replace_others(tmp_path: Path) -> None:
    make_secrets(tmp_path, {})
    make_secrets(tmp_path, {"SECRET_KEY": "mine", "POSTGRES_PASSWORD": 'a "quoted" one'})
    assert contents(tmp_path) == {
        "secret_key": "mine",
        "database_password": 'a "quoted" one',
        "pgbouncer_users": '"admin" "a ""quoted"" one"\n',
    }


def test_a_secret_is_read_from_its_file_unchanged(tmp_path: Path) -> None:
    make_secrets(tmp_path, {"SECRET_KEY": "from a file", "POSTGRES_PASSWORD": "$p@ss/word"})
    environment = {
        "DATA_DIR": str(tmp_path),
        "REDIS_URL": "redis://nowhere",
        "API_TOKEN": "$token",
        "SECRET_KEY_FILE": str(tmp_path / "secret_key"),
        "DATABASE_URL": "postgres://admin@nowhere/image-db",
        "DATABASE_PASSWORD_FILE": str(tmp_path / "database_password"),
    }
    program = "from config import settings as s; print(s.SECRET_KEY, s.DATABASES['default']['PASSWORD'], s.API_TOKEN)"
    printed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=SERVER_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.split("\n")[0] == "from a file $p@ss/word $token"
