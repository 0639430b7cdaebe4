"""GET at METRICS_LISTEN: the figures for a network of one's own, from every kind of process. Off unless it is set.

A thread in each process, and the kernel shares the port out to them: when one dies, the others go on telling for all.
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
    """Returns at once; the thread ends with the process. Raises OSError where the address can't be bound.

    Called once a process, after it has forked what it forks at its start.
    """
    if settings.METRICS_LISTEN is None:
        return
    host, port = settings.METRICS_LISTEN
    server = make_server(host, port, partial(_answer, with_state), _Server, _Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _answer(with_state: bool, request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
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
    # Who connects and says nothing holds a thread no longer than this.
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """A scrape is not worth a line."""
