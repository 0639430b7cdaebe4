"""The id by which a request is found in every log: nginx's, the web process's, and those of the workers it queues for.

It is the client's, or the proxy's, where that is fit for a log, else made here. `config.log_filters` puts it on lines.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Long enough for a UUID or a trace id in any spelling. What is none of these could be another line of the log.
_FIT = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """Of the request, or of the task that one has queued; None for what nobody asked for, as a sweep."""
    return _current.get()


def fit_request_id(sent: object) -> str | None:
    """What was sent, if it may stand in a log."""
    return sent if isinstance(sent, str) and _FIT.fullmatch(sent) else None


@contextmanager
def on_behalf_of(request_id: str | None) -> Iterator[None]:
    """What happens within is told under this id."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
