"""Which web pages may send requests to this server: those it serves itself. Pure.

Browsers send the origin of the page; programs send none, and are accepted. Used by the HTTP middleware and by the
WebSocket handshake.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.http.request import split_domain_port, validate_host


def host_is_ours(host: str | None, allowed_hosts: Sequence[str]) -> bool:
    """Whether a request was sent to one of our host names.

    After DNS rebinding a foreign page sends its own name, both as the host and as the origin.
    """
    return host is not None and validate_host(split_domain_port(host)[0], allowed_hosts)


def origin_is_ours(origin: str | None, host: str | None, allowed_hosts: Sequence[str]) -> bool:
    """Whether a request with this `Origin` header (None: without one), sent to `host`, comes from our own page.

    Ports and schemes are not compared: they differ behind a proxy and for the page in development.
    """
    if origin is None:
        return True
    try:
        origin_host = urlsplit(origin).hostname
    except ValueError:
        return False
    if not origin_host:
        return False
    bracketed = f"[{origin_host}]" if ":" in origin_host else origin_host
    # "*" names no host: with it, a foreign page would be accepted.
    named = [pattern for pattern in allowed_hosts if pattern != "*"]
    return bracketed == split_domain_port(host or "")[0] or validate_host(bracketed, named)
