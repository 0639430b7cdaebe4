"""In front of Django: counts a request's body while it comes in.

Too large, too slow or cut off is answered here with our JSON, before anything is parsed; so is a body that found no
room on its way to Django. Knows nothing of images.
"""

import asyncio
import re
import time

from django.conf import settings
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from images.errors import Refusal
from images.http.early_response import send_refusal

# A sender slower than this on average, past its first stall time, holds a connection for nothing.
_SLOWEST_BYTES_PER_SECOND = 1024
_BOUNDARY = re.compile(rb'boundary="?([^";,]+)"?', re.IGNORECASE)


class BodyLimitsMiddleware:
    """ASGI middleware: bounds a body in bytes and in time, and refuses a multipart body without its end."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _has_no_body(scope):
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive)
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        if body.refusal is None:
            try:
                await self.app(scope, body.receive, send_noting)
            except Refusal as refusal:  # raised by who keeps the body on its way in
                body.refusal = refusal
        if body.refusal is not None and not started:
            await send_refusal(body.refusal, receive, send, body_ended=body.ended)


class _Body:
    """One request's body on its way in. After a refusal the application sees the client leave."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = dict(scope["headers"])
        self.ended = False
        self.refusal: Refusal | None = None
        self._scope = scope
        self._receive = receive
        self._has_length = b"content-length" in headers
        self._seen_bytes = 0
        self._started = time.monotonic()
        self._closing = _closing_boundary(headers.get(b"content-type", b""))
        self._tail = b""
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > settings.MAX_BODY_BYTES:
            self.refusal = _too_large()

    async def receive(self) -> Message:
        if self.ended and self.refusal is None:
            return await self._receive()
        try:
            # Of Python 3.11's two ways the one that makes no task: a body of 4 MB comes in 64 messages.
            async with asyncio.timeout(settings.BODY_STALL_SECONDS):
                message = await self._receive()
        except TimeoutError:
            return self._leave(Refusal("invalid_request", "The request's body stopped arriving."))
        if message["type"] != "http.request":
            return message
        chunk = message.get("body", b"")
        self.ended = not message.get("more_body", False)
        self._seen_bytes += len(chunk)
        if self._seen_bytes > settings.MAX_BODY_BYTES:
            return self._leave(_too_large())
        elapsed = time.monotonic() - self._started
        if elapsed > settings.BODY_STALL_SECONDS and self._seen_bytes < elapsed * _SLOWEST_BYTES_PER_SECOND:
            return self._leave(Refusal("invalid_request", "The request's body arrived too slowly."))
        if self._closing is not None:
            # The closing boundary may be followed by a line break, or by an epilogue nobody writes.
            length = len(self._closing) + 64
            self._tail = (self._tail + chunk[-length:])[-length:]
            if self.ended and self._seen_bytes and self._closing not in self._tail:
                return self._leave(
                    Refusal("invalid_request", "The request's body ends before its last part does.")
                )
        if self.ended and not self._has_length:
            # Django reads the length from the headers, made into a request only after the body is in: without
            # this a chunked upload would look empty.
            self._scope["headers"] = [
                *self._scope["headers"],
                (b"content-length", str(self._seen_bytes).encode()),
            ]
        return message

    def _leave(self, refusal: Refusal) -> Message:
        self.refusal = refusal
        return {"type": "http.disconnect"}


def _has_no_body(scope: Scope) -> bool:
    if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
        return False
    return not any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


def _closing_boundary(content_type: bytes) -> bytes | None:
    if not content_type.lower().startswith(b"multipart/"):
        return None
    found = _BOUNDARY.search(content_type)
    return b"--" + found[1].strip() + b"--" if found else None


def _too_large() -> Refusal:
    return Refusal(
        "body_too_large",
        f"The request is larger than the {settings.MAX_BODY_BYTES:,} bytes accepted at once.",
    )
