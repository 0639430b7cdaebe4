"""Answering a request at the door: our JSON, written to the ASGI server without Django. Used by the ASGI middleware."""

import asyncio
import json

from starlette.types import Receive, Send

from images.errors import Refusal

# After a refusal so much is still read and thrown away, so that the client gets to read the answer:
# closing with unread bytes resets the connection.
_LINGER_SECONDS = 5.0


async def send_refusal(refusal: Refusal, receive: Receive, send: Send, *, body_ended: bool) -> None:
    """Answer with the refusal. What still comes of an unfinished body is read past for some seconds."""
    body = json.dumps(refusal.body()).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **refusal.headers()}
    if not body_ended:
        headers["Connection"] = "close"
    await send(
        {
            "type": "http.response.start",
            "status": refusal.kind.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if not body_ended:
        await _linger(receive)
    await send({"type": "http.response.body", "body": b""})


async def _linger(receive: Receive) -> None:
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass
    except TimeoutError:
        pass
