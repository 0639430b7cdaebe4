"""Free ports for servers that tests start."""

import random
import socket

# Above well-known ports, below the kernel's range for outgoing connections (from 32768).
FIRST, LAST = 20_000, 32_767


def free_port() -> int:
    """A TCP port of 127.0.0.1 from 20000 to 32767 that was free at the time of the call."""
    for port in random.sample(range(FIRST, LAST + 1), 200):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"No free port among 200 tried from {FIRST} to {LAST}.")
