"""Error responses in front of Django: our JSON, sent to the ASGI server. Used by the ASGI middleware."""

import asyncio
import json

from starlette.types import Receive, Send

from images.errors import Refusal

# After a refusal the body is read and discarded for this time, so that the client can read the response: closing a
# connection with unread bytes resets it.
_LINGER_SECONDS = 5.0


async def send_refusal(refusal: Refusal, receive: Receive, send: Send, *, body_ended: bool) -> None:
    """Send the refusal as the response. The rest of an unfinished body is discarded for five seconds."""
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
