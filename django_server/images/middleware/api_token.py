"""ASGI middleware: if API_TOKEN is set, requests that change something need it."""

from django.conf import settings
from starlette.types import ASGIApp, Receive, Scope, Send

from images.errors import Refusal
from images.http.bearer_token import bearer, is_token
from images.http.early_response import send_refusal

_OPEN_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ApiTokenMiddleware:
    """401 for unsafe methods below /api/ without the token, before the body is read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_open(scope) or is_token(
            bearer(dict(scope["headers"]).get(b"authorization")), settings.API_TOKEN
        ):
            await self.app(scope, receive, send)
        else:
            await send_refusal(Refusal("forbidden"), receive, send, body_ended=False)


def _is_open(scope: Scope) -> bool:
    return (
        scope["type"] != "http" or scope["method"] in _OPEN_METHODS or not scope["path"].startswith("/api/")
    )
