"""ASGI middleware, the outermost: each HTTP request gets its id, says it in the answer, and has its stages measured."""

import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from images.observability.timings import measured
from images.request_ids import fit_request_id, on_behalf_of

_HEADER = b"x-request-id"


class RequestIdMiddleware:
    """The id is the client's where it is fit for a log; nginx overwrites it with its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _sent(scope) or uuid.uuid4().hex

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (_HEADER, request_id.encode())]
            await send(message)

        with on_behalf_of(request_id), measured():
            await self.app(scope, receive, send_named)


def _sent(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _HEADER:
            return fit_request_id(value.decode("latin-1"))
    return None
