"""Readiness checks of child processes, polled by the supervisor.

A refused connection returns False and raises nothing.
"""

import http.client
import json
import socket
from contextlib import suppress

RESPONSE_SECONDS = 3.0


def returns_200(host: str, port: int, path: str) -> bool:
    """Whether GET `path` returns status 200 within three seconds."""
    connection = http.client.HTTPConnection(host, port, timeout=RESPONSE_SECONDS)
    with suppress(OSError, http.client.HTTPException):
        try:
            connection.request("GET", path, headers={"Accept": "*/*"})
            return connection.getresponse().status == http.client.OK
        finally:
            connection.close()
    return False


def unavailable_checks(host: str, port: int, path: str) -> str:
    """What a readiness endpoint reports as unavailable: "broker, channel_layer". Empty if it reports nothing."""
    connection = http.client.HTTPConnection(host, port, timeout=RESPONSE_SECONDS)
    with suppress(OSError, http.client.HTTPException, ValueError):
        try:
            connection.request("GET", path, headers={"Accept": "*/*"})
            checks = json.load(connection.getresponse())["checks"]
            return ", ".join(name for name, state in checks.items() if state != "ok")
        finally:
            connection.close()
    return ""


def accepts_connections(host: str, port: int) -> bool:
    """Whether a server accepts TCP connections at `host`:`port`."""
    with suppress(OSError), socket.create_connection((host, port), timeout=RESPONSE_SECONDS):
        return True
    return False
