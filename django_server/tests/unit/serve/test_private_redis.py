"""Which Redis a site starts when REDIS_URL is not set."""

from pathlib import Path

import pytest

from serve import private_redis
from serve.private_redis import redis_executable, wheel_executable
from serve.serve_error import ServeError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the only one on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _program(folder: Path, name: str) -> str:
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_an_installed_redis_or_valkey_is_preferred_to_the_wheel(path: Path, name: str) -> None:
    installed = _program(path, name)
    assert redis_executable() == installed


def test_an_installed_redis_is_preferred_to_an_installed_valkey(path: Path) -> None:
    _, redis = _program(path, "valkey-server"), _program(path, "redis-server")
    assert redis_executable() == redis


@pytest.mark.usefixtures("path")
def test_where_none_is_installed_the_wheel_has_one() -> None:
    assert redis_executable() == wheel_executable()


@pytest.mark.usefixtures("path")
def test_without_any_redis_the_reason_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_redis, "WHEEL", "no-such-wheel")
    with pytest.raises(
        ServeError, match=r"No Redis was found: install the package redis-server, or set REDIS_URL\."
    ):
        redis_executable()
