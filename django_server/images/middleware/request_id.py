"""The outermost ASGI middleware: gives each HTTP request an id, sends it in the response, and starts the timings."""

import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from images.observability.timings import measure_stages
from images.request_context import fit_request_id, on_behalf_of

_HEADER = b"x-request-id"


class RequestIdMiddleware:
    """Uses the `X-Request-ID` of the request if it is valid. nginx always sets its own id there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _received_id(scope) or uuid.uuid4().hex

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (_HEADER, request_id.encode())]
            await send(message)

        with on_behalf_of(request_id), measure_stages():
            await self.app(scope, receive, send_with_id)


def _received_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _HEADER:
            return fit_request_id(value.decode("latin-1"))
    return None
