"""Starts a Python server for a benchmark, beside the site or in its place.

Used by the benchmarks that need a server other than the site's own.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.support.servers import free_port
from tests.support.sites.started_site import SERVER_ROOT
from tests.support.stack.instance import Instance


@contextmanager
def instance(
    name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path
) -> Iterator[Instance]:
    """It runs `module` with the arguments on a free port, from the server's root; its log is in `folder`.

    Ready when /healthz is answered; killed at the end. Its `address` is host:port.
    """
    port = free_port()
    address = f"127.0.0.1:{port}"
    server = Instance(
        name,
        address,
        [sys.executable, "-m", module, *arguments, "--port", str(port)],
        environment,
        SERVER_ROOT,
        health=[sys.executable, "-m", "config.healthcheck", f"http://{address}/healthz"],
        stop_signal=signal.SIGTERM,
        grace_seconds=0,
        log=folder / f"{name}.log",
        tmpfs=folder / f"{name}.tmpfs",
    )
    server.start()
    try:
        server.await_health()
        yield server
    finally:
        server.kill()
