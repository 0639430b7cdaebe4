"""`GET /metrics` at METRICS_LISTEN, for scrapers in a private network. Off unless METRICS_LISTEN is set.

Scrapers address a container by its IP address, which Django would refuse; this listener does not check the host. All
processes listen on the same port, each in a thread (SO_REUSEPORT). When a process dies, the others still report the
sums of all processes.
"""

import threading
from collections.abc import Callable, Iterable
from functools import partial
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings

from images.observability.metrics_text import CONTENT_TYPE, exposition


def listen_for_scrapes(*, with_state: bool = False) -> None:
    """Start the listener thread, which ends with the process. Raises OSError if the address can't be bound.

    Call it once per process, and only after the process has forked its children.
    """
    if settings.METRICS_LISTEN is None:
        return
    host, port = settings.METRICS_LISTEN
    server = make_server(host, port, partial(_respond, with_state), _Server, _Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _respond(with_state: bool, request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    if request["PATH_INFO"] != "/metrics" or request["REQUEST_METHOD"] != "GET":
        start("404 Not Found", [])
        return []
    text = exposition(with_state=with_state)
    start("200 OK", [("Content-Type", CONTENT_TYPE)])
    return [text]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_port = True


class _Handler(WSGIRequestHandler):
    # In seconds, because an idle connection occupies a thread.
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Log nothing, because scrapes are frequent."""
