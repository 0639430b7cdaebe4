"""PostgreSQL, Redis and S3 servers that tests start and stop themselves. Servers that already run are never used.

`with postgres() as server:`, `with redis_server() as server:` and `with s3_server() as server:` yield a running
server with a `url`.
"""

from tests.support.servers.ports import free_port
from tests.support.servers.postgres import Postgres, postgres
from tests.support.servers.redis import Redis, redis_server
from tests.support.servers.s3 import S3, s3_server

__all__ = ["S3", "Postgres", "Redis", "free_port", "postgres", "redis_server", "s3_server"]
