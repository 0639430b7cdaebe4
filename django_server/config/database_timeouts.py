"""The promise of an answer within five seconds while PostgreSQL is away, for the web process: called once, by
`config.threaded_handler`, before there is a connection. Workers, the sweeper and migrations wait as long as it takes.

`statement_timeout` ends what PostgreSQL itself does too slowly. One that is frozen, or behind a broken network, ends
nothing: then this side gives up, which libpq does by itself only while it connects.
"""

import select
import time
from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2 import extensions

_EVENTS = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


def bound_waits(database: dict[str, Any], seconds: int) -> None:
    """Let each connection, and each statement on `database` (of DATABASES), take so many seconds. 0: no bound."""
    if seconds == 0 or database["ENGINE"] != "django.db.backends.postgresql":
        return
    options = database.setdefault("OPTIONS", {})
    options["options"] = f"{options.get('options', '')} -c statement_timeout={seconds * 1000}".strip()
    extensions.set_wait_callback(patient(seconds))


def patient(seconds: float) -> Callable[[Any], None]:
    """What psycopg2 calls to wait for the server; raises OperationalError when that takes longer than `seconds`."""

    def wait(connection: Any) -> None:
        deadline = time.monotonic() + seconds
        while (state := connection.poll()) != extensions.POLL_OK:
            poll = select.poll()
            poll.register(connection.fileno(), _EVENTS[state])
            left_seconds = deadline - time.monotonic()
            if left_seconds <= 0 or not poll.poll(left_seconds * 1000):
                raise psycopg2.OperationalError("The database did not answer in time.")

    return wait
