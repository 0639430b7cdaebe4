"""A server that responds with the request it received, to see what nginx passes on."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Echo(ThreadingHTTPServer):
    """`requests`: the number of requests received."""

    requests = 0


class _Handler(BaseHTTPRequestHandler):
    server: Echo

    def do_GET(self) -> None:
        self.server.requests += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        answer = json.dumps(
            {"path": self.path, "headers": dict(self.headers.items()), "bytes": len(body)}
        ).encode()
        self.send_response(200)
        self.send_header("Cache-Control", "private, max-age=60")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: Any) -> None: ...


@contextmanager
def echoing(address: str, port: str) -> Iterator[Echo]:
    """A running echo server."""
    with Echo((address, int(port)), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
