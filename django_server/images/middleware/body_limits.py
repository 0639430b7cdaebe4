"""ASGI middleware: limits the size and the duration of a request's body while it arrives.

A body that is too large, too slow or cut off is rejected with a JSON error before the view runs. So is a body for which
the storage has no room: the code that writes the body to disk raises an ApiError. Independent of images.
"""

import asyncio
import re
import time

from django.conf import settings
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from images.error_codes import ApiError
from images.http.early_response import send_error

# The lowest average rate, checked after the first BODY_STALL_SECONDS. A slower client is disconnected.
_SLOWEST_BYTES_PER_SECOND = 1024
_BOUNDARY = re.compile(rb'boundary="?([^";,]+)"?', re.IGNORECASE)


class BodyLimitsMiddleware:
    """Limits a body in bytes and in time, and refuses a multipart body without its closing boundary."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _has_no_body(scope):
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive)
        response_started = False

        async def send_and_record_start(message: Message) -> None:
            nonlocal response_started
            response_started = True
            await send(message)

        if body.error is None:
            try:
                await self.app(scope, body.receive, send_and_record_start)
            except ApiError as error:  # raised by the code that spools the body
                body.error = error
        if body.error is not None and not response_started:
            await send_error(body.error, receive, send, body_ended=body.ended)


class _Body:
    """The arriving body of one request. If it is rejected, `error` is set and the application receives a disconnect."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = dict(scope["headers"])
        self.ended = False
        self.error: ApiError | None = None
        self._scope = scope
        self._receive = receive
        self._has_length = b"content-length" in headers
        self._received_bytes = 0
        self._started = time.monotonic()
        self._closing_boundary = _closing_boundary(headers.get(b"content-type", b""))
        self._tail = b""
        declared_length = headers.get(b"content-length", b"0")
        if declared_length.isdigit() and int(declared_length) > settings.MAX_BODY_BYTES:
            self.error = _too_large()

    async def receive(self) -> Message:
        if self.ended and self.error is None:
            return await self._receive()
        try:
            # `asyncio.timeout`, because `wait_for` creates a task each time, and a body of 4 MB arrives in 64 messages.
            async with asyncio.timeout(settings.BODY_STALL_SECONDS):
                message = await self._receive()
        except TimeoutError:
            return self._disconnect(ApiError("invalid_request", "The request's body stopped arriving."))
        if message["type"] != "http.request":
            return message
        chunk = message.get("body", b"")
        self.ended = not message.get("more_body", False)
        self._received_bytes += len(chunk)
        if self._received_bytes > settings.MAX_BODY_BYTES:
            return self._disconnect(_too_large())
        elapsed = time.monotonic() - self._started
        if (
            elapsed > settings.BODY_STALL_SECONDS
            and self._received_bytes < elapsed * _SLOWEST_BYTES_PER_SECOND
        ):
            return self._disconnect(ApiError("invalid_request", "The request's body arrived too slowly."))
        if self._closing_boundary is not None:
            # After the closing boundary there may be a line break, or, rarely, an epilogue.
            length = len(self._closing_boundary) + 64
            self._tail = (self._tail + chunk[-length:])[-length:]
            if self.ended and self._received_bytes and self._closing_boundary not in self._tail:
                return self._disconnect(
                    ApiError("invalid_request", "The request's body ends before its last part does.")
                )
        if self.ended and not self._has_length:
            # A chunked body has no Content-Length. Django builds the request after the whole body has arrived, and
            # reads the length from the headers: without this header, the body would look empty.
            self._scope["headers"] = [
                *self._scope["headers"],
                (b"content-length", str(self._received_bytes).encode()),
            ]
        return message

    def _disconnect(self, error: ApiError) -> Message:
        """Set `error`, and let the application stop reading."""
        self.error = error
        return {"type": "http.disconnect"}


def _has_no_body(scope: Scope) -> bool:
    if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
        return False
    return not any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


def _closing_boundary(content_type: bytes) -> bytes | None:
    if not content_type.lower().startswith(b"multipart/"):
        return None
    match = _BOUNDARY.search(content_type)
    return b"--" + match[1].strip() + b"--" if match else None


def _too_large() -> ApiError:
    return ApiError(
        "body_too_large",
        f"The request is larger than the {settings.MAX_BODY_BYTES:,} bytes accepted at once.",
    )
