"""Whether a server answers. Asked by the supervisor until it says yes; a server not there yet is no error."""

import http.client
import socket
from contextlib import suppress

ANSWER_SECONDS = 3.0


def answers_ok(host: str, port: int, path: str) -> bool:
    """Whether GET `path` is answered with 200 within three seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    with suppress(OSError, http.client.HTTPException):
        try:
            connection.request("GET", path, headers={"Accept": "*/*"})
            return connection.getresponse().status == http.client.OK
        finally:
            connection.close()
    return False


def accepts_connections(host: str, port: int) -> bool:
    """Whether something listens there."""
    with suppress(OSError), socket.create_connection((host, port), timeout=ANSWER_SECONDS):
        return True
    return False
