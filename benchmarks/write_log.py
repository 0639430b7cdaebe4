"""Counts the SQL writes and the enqueued tasks of a site, from the log of PostgreSQL and the statistics of Redis.

Used by seed.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg2
from redis import Redis
from sites import SiteOnServers

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.support.processes.process_tree import eventually

_PATIENCE_SECONDS = 60.0
_STATEMENT = b"LOG:  statement: "


@dataclass
class Written:
    """`statements` that change rows, transaction control not counted; `tasks` put into the queue."""

    statements: int = 0
    tasks: int = 0


def log_writes(running: SiteOnServers) -> None:
    """Make PostgreSQL log each statement that changes rows."""
    with closing(psycopg2.connect(running.postgres.url.replace("postgres:", "postgresql:", 1))) as connection:
        connection.autocommit = True  # ALTER SYSTEM runs outside transactions
        with connection.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET log_statement = 'mod'")
            cursor.execute("SELECT pg_reload_conf()")


@contextmanager
def written(running: SiteOnServers) -> Iterator[Written]:
    """Filled at the end of the block with the writes of the site, including those that mark events as announced."""
    log = running.postgres.data_folder.with_name("server.log")
    counted = Written()
    with Redis.from_url(running.redis.url) as redis, log.open("rb") as lines:
        lines.seek(0, 2)
        before = _pushes(redis)
        yield counted
        if not eventually(lambda: _unannounced(running) == 0, _PATIENCE_SECONDS):
            raise RuntimeError("The events of some images were not published.")
        counted.tasks = _pushes(redis) - before
        counted.statements = sum(_STATEMENT in line for line in lines)


def _unannounced(running: SiteOnServers) -> int:
    ((count,),) = running.rows("SELECT count(*) FROM images_image WHERE announced_version < version")
    return int(count)


def _pushes(redis: Redis) -> int:
    """Number of list pushes since Redis started. The lists are the queues, so a push is a task."""
    commands = cast(dict[str, dict[str, int]], redis.info("commandstats"))
    return commands.get("cmdstat_lpush", {"calls": 0})["calls"]
