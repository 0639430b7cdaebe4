"""The request id, which finds a request in every log: of nginx, the web process and the workers it queues for.

The client or the proxy sends it; without a valid one it is generated. `config.log_filters` adds it to log lines.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Long enough for a UUID or a trace id in any notation. Other characters could forge a line of the log.
_FIT = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the current request, or of the request that queued the current task. None elsewhere, as in a sweep."""
    return _current.get()


def fit_request_id(sent: object) -> str | None:
    """`sent` if it is a valid request id, else None."""
    return sent if isinstance(sent, str) and _FIT.fullmatch(sent) else None


@contextmanager
def on_behalf_of(request_id: str | None) -> Iterator[None]:
    """Log lines of the block carry this id."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
