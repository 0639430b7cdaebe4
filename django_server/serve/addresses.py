"""The network addresses of this machine, and whether a port is free.

Must not import Django, because the settings use this module. Sends no packets: it only queries the kernel.
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

# linux/sockios.h: the ioctl that returns the IPv4 address of an interface.
SIOCGIFADDR = 0x8915
# struct ifreq: 16 bytes of name, then a sockaddr_in with the address at bytes 20 to 24.
IFREQ_BYTES = 40
# A web server that was killed together with its site releases its port well within this time.
PORT_WAIT_SECONDS = 2.0
# RFC 5737 reserves it for documentation: it is routed like any remote address, but no machine has it.
FAR_ADDRESS = ("198.51.100.1", 9)


def lan_addresses() -> list[str]:
    """IPv4 addresses at which other machines may reach this one; the address of the default route first.

    May be empty.
    """
    candidates = [*_default_route_address(), *_interface_addresses()]
    return list(dict.fromkeys(address for address in candidates if _is_reachable_from_outside(address)))


def site_url(host: str, port: int, lan: list[str]) -> str:
    """The URL to print for a site bound to `host`. If that is every interface, the first address of `lan` is shown."""
    shown = host
    if host in EVERY_INTERFACE:
        shown = lan[0] if lan and host != "::" else own_address(host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def own_address(host: str) -> str:
    """The address at which this machine itself reaches a server bound to `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def require_free_port(host: str, port: int, *, port_setting: str | None = "PORT") -> None:
    """Return when `host`:`port` can be bound. A server that is exiting gets two seconds to release the port.

    `port_setting`: the environment variable that changes the port, or None if no variable does.
    Raises: ServeError that names the setting to change, PORT or HOST.
    """
    deadline = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        try:
            return _listen_once(host, port)
        except OSError as error:
            refused = error
        if refused.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            raise ServeError(_port_error(refused, host, port, port_setting)) from refused
        time.sleep(0.1)


def _listen_once(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as listener:
        # As the web server does: connections of an earlier run in TIME_WAIT do not block the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)


def _port_error(refused: OSError, host: str, port: int, port_setting: str | None) -> str:
    if refused.errno == errno.EADDRINUSE:
        remedy = (
            f"choose a free one, as in `{port_setting}={port + 1}`" if port_setting else "stop that program"
        )
        return f"{port_setting or 'Port'} {port} is taken by another program: {remedy}."
    if refused.errno == errno.EACCES:
        return f"PORT {port} may be used by root only: choose one above 1023, as in `PORT=8000`."
    return f"HOST {host} is not an address of this machine ({refused.strerror}): use 127.0.0.1 or 0.0.0.0."


def _default_route_address() -> list[str]:
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Connecting a datagram socket selects a route and sends nothing.
        probe.connect(FAR_ADDRESS)
        return [str(probe.getsockname()[0])]
    return []


def _interface_addresses() -> list[str]:
    try:
        import fcntl
    except ImportError:  # not a POSIX system: only the address of the default route can be found
        return []
    addresses = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # an interface without an IPv4 address
                reply = fcntl.ioctl(probe, SIOCGIFADDR, struct.pack(f"{IFREQ_BYTES}s", name.encode()[:15]))
                addresses.append(socket.inet_ntoa(reply[20:24]))
    return addresses


def _is_reachable_from_outside(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)
