"""The servers for tests behave as other tests assume."""

from pathlib import Path

import psycopg2
import pytest
from redis import Redis as RedisClient

from serve.private_redis import redis_executable, wheel_executable
from tests.support.servers import free_port, postgres, redis_server
from tests.support.servers.postgres import installed_programs, wheel_programs


def _processes_below(folder: str) -> list[str]:
    """The command lines of running processes that contain the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if folder in command:
            found.append(command)
    return found


def _rows(url: str) -> list[tuple[int]]:
    connection = psycopg2.connect(url.replace("postgres:", "postgresql:", 1))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT n FROM kept")
            return list(cursor.fetchall())
    finally:
        connection.close()


def _write_a_row(url: str) -> None:
    connection = psycopg2.connect(url.replace("postgres:", "postgresql:", 1))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE kept (n int)")
            cursor.execute("INSERT INTO kept VALUES (7)")
    finally:
        connection.close()


@pytest.mark.parametrize(
    "programs", [None, wheel_programs()], ids=["as a test run finds it", "from the wheel"]
)
def test_postgres_keeps_its_rows_over_a_kill_and_leaves_nothing_behind(programs: Path | None) -> None:
    with postgres(programs) as server:
        _write_a_row(server.url)
        server.kill()
        assert not server.answers()
        server.start()
        assert _rows(server.url) == [(7,)]
        data_folder = server.data_folder
        assert _processes_below(str(data_folder)) != []
    assert not data_folder.exists()
    assert _processes_below(str(data_folder)) == []


def test_a_frozen_postgres_does_not_answer_until_it_is_thawed() -> None:
    with postgres() as server:
        server.freeze()
        assert not server.answers()
        server.thaw()
        assert server.answers()


def test_an_installed_postgres_is_preferred_to_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert installed_programs() == tmp_path


@pytest.mark.parametrize(
    "executable", [redis_executable(), wheel_executable()], ids=["on PATH", "in the wheel"]
)
def test_redis_is_empty_after_a_restart_and_leaves_nothing_behind(executable: str | None) -> None:
    with redis_server(executable) as server:
        folder = Path(server.url.removeprefix("unix://")).parent
        with RedisClient.from_url(server.url) as client:
            client.set("key", "value")
            assert client.get("key") == b"value"
        server.restart()
        with RedisClient.from_url(server.url) as client:
            assert client.dbsize() == 0
        server.kill()
        assert not server.answers()
        server.start()
        server.freeze()
        assert not server.answers()
        server.thaw()
        assert server.answers()
    assert not folder.exists()
    assert _processes_below(str(folder)) == []


def test_a_free_port_is_one_the_kernel_gives_to_no_client() -> None:
    assert all(20_000 <= free_port() < 32_768 for _ in range(20))
