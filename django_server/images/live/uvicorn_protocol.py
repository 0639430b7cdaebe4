"""uvicorn's WebSocket protocol with a different shutdown: closes with code 1001, and does not wait for stuck clients.

uvicorn gets the class by its import path (`ws=`). This module and the application do not import each other.
"""

from typing import TYPE_CHECKING

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

# The close code "going away" of RFC 6455. uvicorn itself would send 1012.
GOING_AWAY = 1001
# After this time, connections with unsent data are aborted. A client that reads has received the last frames by then.
SHUTDOWN_TIMEOUT_SECONDS = 1.0


class LiveWebSocketProtocol(WebSocketsSansIOProtocol):
    """Pass it as `uvicorn --ws`, or `uvicorn.Config(ws=...)`."""

    def shutdown(self) -> None:
        if not self.handshake_complete or self.close_sent or self.transport.is_closing():
            super().shutdown()
        else:
            self.stop_keepalive()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": GOING_AWAY})
            self.conn.send_close(GOING_AWAY)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
        self.loop.call_later(SHUTDOWN_TIMEOUT_SECONDS, self._abort_if_stuck)

    async def send(self, message: "ASGISendEvent") -> None:
        if message["type"] == "websocket.close" and not self.writable.is_set():
            # The client can't get the close frame before it reads the earlier data. If it has not read that data within
            # close_timeout, the connection is aborted.
            self.loop.call_later(self.close_timeout, self._abort_if_stuck)
            self.writable.set()
        await super().send(message)

    def _abort_if_stuck(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
