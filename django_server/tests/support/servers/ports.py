"""Ports nobody listens on, for servers that tests start."""

import random
import socket

# Above the ports of well-known services, below those the kernel gives to outgoing connections (32768 and up).
FIRST, LAST = 20_000, 32_767


def reserved_port() -> socket.socket:
    """A TCP port of 127.0.0.1 from 20000 to 32767 that nothing else can bind until the socket is closed.

    It does not listen: a connection to it is refused.
    """
    for port in random.sample(range(FIRST, LAST + 1), 200):
        reservation = socket.socket()
        try:
            reservation.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        return reservation
    raise RuntimeError(f"No free port among 200 tried from {FIRST} to {LAST}.")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago, from 20000 to 32767."""
    with reserved_port() as reservation:
        port: int = reservation.getsockname()[1]
        return port
