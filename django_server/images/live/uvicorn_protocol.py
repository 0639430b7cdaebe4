"""uvicorn's WebSocket protocol with another shutdown: closes with 1001, and waits for no client that reads nothing.

Passed to uvicorn by its import path (`ws=`). Imports nothing of the application and is imported by none of it.
"""

from typing import TYPE_CHECKING

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

# RFC 6455: "going away". uvicorn itself sends 1012.
GOING_AWAY = 1001
# A client that reads has received the last frames by then.
SHUTDOWN_SECONDS = 1.0


class LiveWebSocketProtocol(WebSocketsSansIOProtocol):
    """For `uvicorn --ws`, or `uvicorn.Config(ws=...)`."""

    def shutdown(self) -> None:
        if not self.handshake_complete or self.close_sent or self.transport.is_closing():
            super().shutdown()
        else:
            self.stop_keepalive()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": GOING_AWAY})
            self.conn.send_close(GOING_AWAY)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
        self.loop.call_later(SHUTDOWN_SECONDS, self._abort_if_stuck)

    async def send(self, message: "ASGISendEvent") -> None:
        if message["type"] == "websocket.close" and not self.writable.is_set():
            # The close frame follows all that the client has not read; after close_timeout the connection is aborted.
            self.loop.call_later(self.close_timeout, self._abort_if_stuck)
            self.writable.set()
        await super().send(message)

    def _abort_if_stuck(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
