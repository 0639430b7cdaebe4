"""Time limits on PostgreSQL for the web process: a response comes within five seconds while PostgreSQL is down.

`config.threaded_handler` calls it once, before the first connection. Workers, sweeper and migrations have no such
limit. `statement_timeout` makes PostgreSQL cancel slow statements. A PostgreSQL that is frozen, or behind a broken
network, cancels nothing: then the wait callback raises in this process. libpq itself limits only the time to connect.
"""

import select
import time
from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2 import extensions

_EVENTS = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


def limit_database_waits(database: dict[str, Any], seconds: int) -> None:
    """Limit each connection attempt and each statement to `seconds` (0: no limit).

    `database`: an entry of DATABASES.
    """
    if seconds == 0 or database["ENGINE"] != "django.db.backends.postgresql":
        return
    options = database.setdefault("OPTIONS", {})
    options["options"] = f"{options.get('options', '')} -c statement_timeout={seconds * 1000}".strip()
    extensions.set_wait_callback(wait_callback(seconds))


def wait_callback(seconds: float) -> Callable[[Any], None]:
    """A wait callback for psycopg2 that raises OperationalError when the server takes longer than `seconds`."""

    def wait(connection: Any) -> None:
        deadline = time.monotonic() + seconds
        while (state := connection.poll()) != extensions.POLL_OK:
            poll = select.poll()
            poll.register(connection.fileno(), _EVENTS[state])
            left_seconds = deadline - time.monotonic()
            if left_seconds <= 0 or not poll.poll(left_seconds * 1000):
                raise psycopg2.OperationalError("The database did not answer in time.")

    return wait
