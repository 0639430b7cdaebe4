"""A unit test that starts a server fails, and a connection to a server that does not run is noticed."""

import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.environment import watch_connections
from tests.support.servers.run_servers import RunServers
from tests.support.servers.start_log import STARTED, record_start
from tests.unit.conftest import no_server_starts


def test_a_server_that_starts_fails_the_test() -> None:
    with (
        pytest.raises(pytest.fail.Exception, match="Started: redis-server"),
        no_server_starts(),
    ):
        record_start("redis-server")
    STARTED.pop()


def test_a_connection_to_the_redis_that_does_not_run_is_noticed(tmp_path: Path) -> None:
    servers = RunServers(tmp_path)
    seen: list[str] = []
    watch_connections(servers, seen)
    with suppress(FileNotFoundError), socket.socket(socket.AF_UNIX) as client:
        client.connect(servers.redis_socket)
    servers.stop()
    assert seen == [servers.redis_socket]


def test_the_postgresql_that_does_not_run_refuses_connections_and_keeps_its_port(tmp_path: Path) -> None:
    servers = RunServers(tmp_path)
    port = int(servers.database_url.rpartition(":")[2].partition("/")[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    servers.stop()
