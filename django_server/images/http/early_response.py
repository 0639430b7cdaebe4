"""Send a JSON error from ASGI middleware, before the request has reached Django."""

import asyncio
import json

from starlette.types import Receive, Send

from images.error_codes import ApiError

# The time limit for reading the rest of the body, which is discarded. If the server closed a connection with unread
# bytes, the connection would be reset, and the client could not read the response.
_LINGER_SECONDS = 5.0


async def send_error(error: ApiError, receive: Receive, send: Send, *, body_ended: bool) -> None:
    """Send the error as the response. Unless `body_ended`, read and discard the rest of the body for five seconds."""
    body = json.dumps(error.body()).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **error.headers()}
    if not body_ended:
        headers["Connection"] = "close"
    await send(
        {
            "type": "http.response.start",
            "status": error.kind.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if not body_ended:
        await _discard_body(receive)
    await send({"type": "http.response.body", "body": b""})


async def _discard_body(receive: Receive) -> None:
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass
    except TimeoutError:
        pass
