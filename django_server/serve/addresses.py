"""Which addresses this machine answers at, and whether a port is free.

Must not import Django (the settings use it) and must not send anything: it only asks the kernel.
"""

import errno
import ipaddress
import socket
import struct
import time
from contextlib import suppress
from typing import Final

from serve.serve_error import ServeError

EVERY_INTERFACE: Final = ("0.0.0.0", "::")  # noqa: S104  compared, not bound

# linux/sockios.h: the ioctl that tells an interface's IPv4 address.
SIOCGIFADDR = 0x8915
# struct ifreq: 16 bytes of name, then a sockaddr_in whose address stands at bytes 20 to 24.
IFREQ_BYTES = 40
# A web server killed with its site is gone well within it.
PATIENCE_SECONDS = 2.0
# RFC 5737, for documentation: routed like any far address, answered by nobody.
FAR_ADDRESS = ("198.51.100.1", 9)


def lan_addresses() -> list[str]:
    """IPv4 addresses by which others may reach this machine, the default route's first. May be empty."""
    candidates = [*_default_route_address(), *_interface_addresses()]
    return list(dict.fromkeys(address for address in candidates if _is_reachable_from_outside(address)))


def site_url(host: str, port: int, lan: list[str]) -> str:
    """The address to print for a site bound to `host`: for every interface, one that a phone can open."""
    shown = host
    if host in EVERY_INTERFACE:
        shown = lan[0] if lan and host != "::" else own_address(host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def own_address(host: str) -> str:
    """Where this machine itself reaches a server bound to `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def require_free_port(host: str, port: int, *, port_setting: str | None = "PORT") -> None:
    """Returns when something could listen on `host`:`port`; a server that is just dying is given some time.

    `port_setting` is the variable that would move it, None when nothing does.
    Raises: ServeError naming PORT or HOST, whichever has to change.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _listen_once(host, port)
        except OSError as error:
            refused = error
        if refused.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            raise ServeError(_why_not(refused, host, port, port_setting)) from refused
        time.sleep(0.1)


def _listen_once(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as listener:
        # As the web server does: connections of an earlier run that linger are no obstacle.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)


def _why_not(refused: OSError, host: str, port: int, port_setting: str | None) -> str:
    if refused.errno == errno.EADDRINUSE:
        remedy = f"choose a free one, as in `{port_setting}={port + 1}`" if port_setting else "stop that one"
        return f"{port_setting or 'Port'} {port} is taken by another program: {remedy}."
    if refused.errno == errno.EACCES:
        return f"PORT {port} may be used by root only: choose one above 1023, as in `PORT=8000`."
    return (
        f"HOST {host} is no address of this machine ({refused.strerror}): 127.0.0.1 and 0.0.0.0 always work."
    )


def _default_route_address() -> list[str]:
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Connecting a datagram socket chooses a route and sends nothing.
        probe.connect(FAR_ADDRESS)
        return [str(probe.getsockname()[0])]
    return []


def _interface_addresses() -> list[str]:
    try:
        import fcntl
    except ImportError:  # no POSIX system: the default route has to do
        return []
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # an interface without an IPv4 address
                answer = fcntl.ioctl(asker, SIOCGIFADDR, struct.pack(f"{IFREQ_BYTES}s", name.encode()[:15]))
                found.append(socket.inet_ntoa(answer[20:24]))
    return found


def _is_reachable_from_outside(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)
