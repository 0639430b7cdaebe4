"""Where the WebSocket lives, and who is let in. `config.asgi` mounts `websocket_application`."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from images.http.allowed_origins import host_is_ours, origin_is_ours
from images.http.api_token import bearer, is_token
from images.live.connection import live_application
from images.live.handshake_refusal import refuse

LIVE_PATH = "/ws/upload/"
# The contract's, of the range for applications.
NO_TOKEN = 4401

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def websocket_application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The ASGI application for every WebSocket: the live view, 404 elsewhere, 403 for pages of others.

    Without the token, where one is asked, it is closed with 4401: browsers show no page an HTTP status.
    """
    if scope["path"] != LIVE_PATH:
        await receive()  # websocket.connect
        await refuse(send, scope, 404)
    elif not _is_welcome(scope):
        await receive()
        await refuse(send, scope, 403)
    elif not _has_token(scope):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": NO_TOKEN})
    else:
        await live_application(scope, receive, send)


def _is_welcome(scope: dict[str, Any]) -> bool:
    host, origin = _header(scope, b"host"), _header(scope, b"origin")
    allowed = settings.ALLOWED_HOSTS
    return host_is_ours(host, allowed) and origin_is_ours(origin, host, allowed)


def _has_token(scope: dict[str, Any]) -> bool:
    """In the query, since a browser can send no header with a WebSocket; programs may use the header."""
    named = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
    sent = bearer(dict(scope["headers"]).get(b"authorization"))
    return any(is_token(given, settings.API_TOKEN) for given in (*named, sent))


def _header(scope: dict[str, Any], name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None
