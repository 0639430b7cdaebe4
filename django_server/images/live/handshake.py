"""What a WebSocket handshake passes before its consumer: path, origin, API token, and the session's user.

ASGI middleware, put in order by `routing`. `refuse` sends an HTTP response in place of accepting the WebSocket.
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

# Of the range for applications; part of the contract.
NO_TOKEN = 4401


async def refuse(send: Send, scope: Scope, status: int) -> None:
    """Responds with `status` where the server supports it, else with the server's own 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"0")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})


class PathValidator:
    """Refuses with 404 a path that none of `routes` matches, where `URLRouter` would raise ValueError."""

    def __init__(self, inner: ASGIApp, routes: Sequence[URLPattern]) -> None:
        self._inner, self._routes = inner, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].lstrip("/")
        if any(route.resolve(path) for route in self._routes):
            await self._inner(scope, receive, send)
        else:
            await receive()  # websocket.connect
            await refuse(send, scope, 404)


class OriginValidator:
    """Refuses pages of other sites with 403; programs, which send no Origin header, are allowed.

    Channels' own validator cannot express this: it compares the origin with a list only, never with the Host header,
    and refuses a client without an Origin header.
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
            await refuse(send, scope, 403)


class TokenValidator:
    """Closes with 4401 without the API token, if one is set: browsers hide the HTTP status of a refusal from pages."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A browser can send no header with a WebSocket, hence the query; programs may use the header.
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        sent = bearer(dict(scope["headers"]).get(b"authorization"))
        if any(is_token(token, settings.API_TOKEN) for token in (*given, sent)):
            await self._inner(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": NO_TOKEN})


class SessionUser:
    """Channels' AuthMiddlewareStack, which sets scope["user"]; 503 when the session cannot be read.

    It queries the database only for a client that sends a session cookie. The consumer gets the server's `send`, not
    that of Channels' session middleware, which asks the session at each frame whether an HTTP response must save it.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_user = False

        async def inner(scope: Scope, receive: Receive, session_send: Send) -> None:  # noqa: ARG001
            nonlocal has_user
            has_user = True
            await self._inner(scope, receive, send)

        try:
            await AuthMiddlewareStack(inner)(scope, receive, send)
        except DatabaseError:
            if has_user:
                raise
            await receive()
            await refuse(send, scope, 503)
