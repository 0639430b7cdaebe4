"""Where the WebSocket lives, and who is let in. `config.asgi` mounts `websocket_application`."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from images.consumers.connection import live_application
from images.consumers.refusal import refuse
from images.origins import host_is_ours, origin_is_ours

LIVE_PATH = "/ws/upload/"

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def websocket_application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The ASGI application for every WebSocket: 404 elsewhere, 403 for pages of others, and the live view."""
    if scope["path"] != LIVE_PATH:
        await receive()  # websocket.connect
        await refuse(send, scope, 404)
    elif not _is_welcome(scope):
        await receive()
        await refuse(send, scope, 403)
    else:
        await live_application(scope, receive, send)


def _is_welcome(scope: dict[str, Any]) -> bool:
    host, origin = _header(scope, b"host"), _header(scope, b"origin")
    allowed = settings.ALLOWED_HOSTS
    return host_is_ours(host, allowed) and origin_is_ours(origin, host, allowed)


def _header(scope: dict[str, Any], name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None
