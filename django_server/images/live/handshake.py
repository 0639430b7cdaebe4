"""ASGI middleware for WebSocket handshakes: checks path, origin and API token, and reads the session's user.

`routing` chains the middleware in front of the consumer. `reject_handshake` sends an HTTP response instead of accepting
the WebSocket.
"""

from collections.abc import Sequence
from urllib.parse import parse_qs

from channels.auth import AuthMiddlewareStack
from django.conf import settings
from django.db import DatabaseError
from django.urls import URLPattern
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from images.http.allowed_origins import host_is_ours, origin_is_ours
from images.http.bearer_token import bearer, is_token

# A WebSocket close code that clients rely on (docs/api.md). Codes from 4000 to 4999 are for applications.
NO_TOKEN_CLOSE_CODE = 4401


async def reject_handshake(send: Send, scope: Scope, status: int) -> None:
    """Responds with HTTP `status`. If the ASGI server does not support this, the client gets 403 instead."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"0")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})


class PathValidator:
    """Rejects a path that matches none of `routes` with 404. `URLRouter` alone would raise ValueError."""

    def __init__(self, inner: ASGIApp, routes: Sequence[URLPattern]) -> None:
        self._inner, self._routes = inner, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].lstrip("/")
        if any(route.resolve(path) for route in self._routes):
            await self._inner(scope, receive, send)
        else:
            await receive()  # websocket.connect
            await reject_handshake(send, scope, 404)


class OriginValidator:
    """Rejects pages of other sites with 403. Programs are allowed: they send no Origin header.

    Channels' own validator cannot express this: it compares the origin with a list only, never with the Host header,
    and rejects a client without an Origin header.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, allowed = Headers(scope=scope), settings.ALLOWED_HOSTS
        host, origin = headers.get("host"), headers.get("origin")
        if host_is_ours(host, allowed) and origin_is_ours(origin, host, allowed):
            await self._inner(scope, receive, send)
        else:
            await receive()
            await reject_handshake(send, scope, 403)


class TokenValidator:
    """If API_TOKEN is set, closes a WebSocket that did not send this token, with code 4401.

    Accepts the WebSocket before closing it, because browsers hide the HTTP status of a rejected handshake from pages.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A page can't add headers to a handshake, so it sends the token in the query. Programs may use either.
        query_tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        header_token = bearer(dict(scope["headers"]).get(b"authorization"))
        if any(is_token(token, settings.API_TOKEN) for token in (*query_tokens, header_token)):
            await self._inner(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": NO_TOKEN_CLOSE_CODE})


class SessionUser:
    """Wraps Channels' AuthMiddlewareStack, which sets scope["user"]. Rejects with 503 if the session can't be read.

    Queries the database only for a client that sends a session cookie. The consumer gets the server's own `send`,
    because the `send` of Channels' session middleware checks at each frame whether the session must be saved.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reached_consumer = False

        async def inner(scope: Scope, receive: Receive, session_send: Send) -> None:  # noqa: ARG001
            nonlocal reached_consumer
            reached_consumer = True
            await self._inner(scope, receive, send)

        try:
            await AuthMiddlewareStack(inner)(scope, receive, send)
        except DatabaseError:
            if reached_consumer:
                raise
            await receive()
            await reject_handshake(send, scope, 503)
