"""The PostgreSQL and the Redis of this test run. Their addresses are fixed early; each starts before its first use.

Made by the plugin tests.support.environment, one for each process that runs tests. A test gets them with the fixtures
`run_postgres` and `run_redis`; a test that uses Django's database gets both.
"""

from contextlib import ExitStack
from pathlib import Path

from tests.support.servers.ports import reserved_port
from tests.support.servers.postgres import postgres
from tests.support.servers.redis import redis_server


class RunServers:
    """`database_url` and `redis_url` name servers that run after `start_postgres` and `start_redis`."""

    def __init__(self, folder: Path) -> None:
        self._redis_folder = folder / "redis"
        self._reservation = reserved_port()
        self._port: int = self._reservation.getsockname()[1]
        self._resources = ExitStack()
        self.postgres_runs = False
        self.redis_runs = False

    @property
    def database_url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/postgres"

    @property
    def redis_socket(self) -> str:
        return str(self._redis_folder / "redis.sock")

    @property
    def redis_url(self) -> str:
        return f"unix://{self.redis_socket}"

    def start_postgres(self) -> None:
        """Start PostgreSQL unless it runs."""
        if not self.postgres_runs:
            self._reservation.close()
            self._resources.enter_context(postgres(port=self._port))
            self.postgres_runs = True

    def start_redis(self) -> None:
        """Start Redis unless it runs."""
        if not self.redis_runs:
            # Before the start, which connects to see whether it runs.
            self.redis_runs = True
            self._resources.enter_context(redis_server(folder=self._redis_folder))

    def stop(self) -> None:
        """Stop what was started and release the port."""
        self._reservation.close()
        self._resources.close()
        self.postgres_runs = self.redis_runs = False
