"""Turning a WebSocket away before it is accepted: an HTTP answer, never a traceback.

Used by `routing` and `connection`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def refuse(send: Send, scope: Mapping[str, Any], status: int) -> None:
    """Answers with `status` where the server can, else with its plain 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"0")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})
