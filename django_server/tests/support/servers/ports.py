"""Ports nobody listens on, for servers that tests start."""

import random
import socket

# Above the ports of well-known services, below those the kernel gives to outgoing connections (32768 and up).
FIRST, LAST = 20_000, 32_767


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago, from 20000 to 32767."""
    for port in random.sample(range(FIRST, LAST + 1), 200):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"No free port among 200 tried from {FIRST} to {LAST}.")
