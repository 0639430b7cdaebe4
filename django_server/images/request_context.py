"""The request id, which finds a request in the logs of nginx, of the web process, and of the workers.

The client or the proxy sends it. If it is missing or invalid, `images.middleware.request_id` generates a new id.
`config.log_filters` adds the id to log lines.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Long enough for a UUID or a trace id in any notation. Characters such as a line break could forge a log line.
_VALID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the current request, or of the request that queued the current task. Else None."""
    return _current.get()


def fit_request_id(sent: object) -> str | None:
    """`sent` if it is a valid request id, else None."""
    return sent if isinstance(sent, str) and _VALID.fullmatch(sent) else None


@contextmanager
def on_behalf_of(request_id: str | None) -> Iterator[None]:
    """A block whose log lines have this request id."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
