"""ASGI middleware: if API_TOKEN is set, requests that change something must have this token."""

from django.conf import settings
from starlette.types import ASGIApp, Receive, Scope, Send

from images.error_codes import ApiError
from images.http.bearer_token import bearer, is_token
from images.http.early_response import send_error

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ApiTokenMiddleware:
    """Responds with 401 to a request below /api/ with an unsafe method and no token, before the body is read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _needs_no_token(scope) or is_token(
            bearer(dict(scope["headers"]).get(b"authorization")), settings.API_TOKEN
        ):
            await self.app(scope, receive, send)
        else:
            await send_error(ApiError("forbidden"), receive, send, body_ended=False)


def _needs_no_token(scope: Scope) -> bool:
    return (
        scope["type"] != "http" or scope["method"] in _SAFE_METHODS or not scope["path"].startswith("/api/")
    )
