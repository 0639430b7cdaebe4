"""`python -m config.draining_uvicorn APP OPTIONS`: uvicorn with several processes and connection draining.

At a stop, uvicorn loses requests. Its parent process keeps the listening socket open until the last worker process has
ended: the kernel accepts connections that no process serves. A worker process closes connections whose request it has
not read yet. nginx does not send such an upload to another container, because it may have been processed.

The service `web` of docker-compose.yml runs this module; scripts/roll.sh depends on it.
"""

import asyncio
import importlib
from functools import cached_property
from socket import socket

import uvicorn
from uvicorn.supervisors import multiprocess

# A proxy sends its request directly after the connection was accepted.
_UNREAD_REQUEST_SECONDS = 0.5


class DrainingServer(uvicorn.Server):
    """Before the shutdown of uvicorn it refuses new connections and reads the requests of all accepted ones."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        listeners = sockets or []
        # Nothing is awaited in between, so that no connection arrives after the last `accept` and before `close`.
        accepted = [connection for listener in listeners for connection in _waiting(listener)]
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()
        loop = asyncio.get_running_loop()
        for connection in accepted:
            await loop.connect_accepted_socket(self._protocol, connection)
        await asyncio.sleep(_UNREAD_REQUEST_SECONDS)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        # As in `uvicorn.Server.startup`.
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=asyncio.get_running_loop(),
        )


class DrainingProcess(multiprocess.Process):
    """A worker process."""

    @cached_property
    def server(self) -> uvicorn.Server:
        return DrainingServer(self.config)


class DrainingParent(multiprocess.Multiprocess):
    """The parent process. It only keeps the listening socket for worker processes that it starts later."""

    def terminate_all(self) -> None:
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def _waiting(listener: socket) -> list[socket]:
    """The connections that the kernel has accepted for this non-blocking socket."""
    found: list[socket] = []
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return found
        found.append(connection)


def main() -> None:
    """uvicorn's command line, with these classes."""
    # uvicorn has no option for its classes: docs/internals.md.
    multiprocess.Process = DrainingProcess  # type: ignore[misc]
    importlib.import_module("uvicorn.main").Multiprocess = DrainingParent  # type: ignore[attr-defined]
    uvicorn.main()


if __name__ == "__main__":
    main()
