"""A PostgreSQL and a Redis that tests start and stop themselves. Never one that happens to run.

`with postgres() as server:` and `with redis_server() as server:` yield a running server with a `url`.
"""

from tests.servers.ports import free_port
from tests.servers.postgres import Postgres, postgres
from tests.servers.redis import Redis, redis_server

__all__ = ["Postgres", "Redis", "free_port", "postgres", "redis_server"]
