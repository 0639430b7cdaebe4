"""In front of Django: counts a request's body while it comes in.

Too large, too slow or cut off is answered here with our JSON, before anything is parsed. Knows nothing of images.
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from images.errors import Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# After a refusal so much is still read and thrown away, so that the client gets to read the answer:
# closing with unread bytes resets the connection.
_LINGER_SECONDS = 5.0
# A sender slower than this on average, past its first stall time, holds a connection for nothing.
_SLOWEST_BYTES_PER_SECOND = 1024
_BOUNDARY = re.compile(rb'boundary="?([^";,]+)"?', re.IGNORECASE)


class BodyGuard:
    """ASGI middleware: bounds a body in bytes and in time, and refuses a multipart body without its end."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive)
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        if body.refusal is None:
            await self.app(scope, body.receive, send_noting)
        if body.refusal is not None and not started:
            await _refuse(body.refusal, receive, send, ended=body.ended)


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
            message = await asyncio.wait_for(self._receive(), settings.BODY_STALL_SECONDS)
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
            self._tail = (self._tail + chunk)[-(len(self._closing) + 64) :]
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


async def _refuse(refusal: Refusal, receive: Receive, send: Send, *, ended: bool) -> None:
    body = json.dumps(refusal.body()).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **refusal.headers()}
    if not ended:
        headers["Connection"] = "close"
    await send(
        {
            "type": "http.response.start",
            "status": refusal.kind.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if not ended:
        await _linger(receive)
    await send({"type": "http.response.body", "body": b""})


async def _linger(receive: Receive) -> None:
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass
    except TimeoutError:
        pass
