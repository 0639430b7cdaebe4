"""API_TOKEN: where it is set, who changes anything here, or listens, has to know it. Pure but for the middleware.

Asked by the HTTP middleware in front of the body guard, and by the WebSocket's door.
"""

import hmac

from django.conf import settings

from images.errors import Refusal
from images.http.early_response import App, Receive, Scope, Send, turn_away

_OPEN_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_token(given: str | None, token: str) -> bool:
    """Whether `given` is the token; always when none is set. Takes the same time wherever they differ."""
    if not token:
        return True
    # A server hands headers on as latin-1; a byte that was none survives the round trip.
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def bearer(authorization: bytes | None) -> str | None:
    """The token of an `Authorization: Bearer …` header; None without one."""
    scheme, _, given = (authorization or b"").decode("utf-8", "replace").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


class ApiTokenMiddleware:
    """ASGI middleware: 401 for what would change something below /api/, before its body is read."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_open(scope) or is_token(
            bearer(dict(scope["headers"]).get(b"authorization")), settings.API_TOKEN
        ):
            await self.app(scope, receive, send)
        else:
            await turn_away(Refusal("forbidden"), receive, send, body_ended=False)


def _is_open(scope: Scope) -> bool:
    return (
        scope["type"] != "http" or scope["method"] in _OPEN_METHODS or not scope["path"].startswith("/api/")
    )
