"""Which web pages may talk to this server: those it serves itself. Pure.

Browsers say where a page is from; programs say nothing, and are users too. Asked by the HTTP middleware and by the
WebSocket's door.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.http.request import split_domain_port, validate_host


def host_is_ours(host: str | None, allowed_hosts: Sequence[str]) -> bool:
    """Whether a request was sent to one of our names.

    A page of a name that was rebound to this address sends that name, as its host and as its origin.
    """
    return host is not None and validate_host(split_domain_port(host)[0], allowed_hosts)


def origin_is_ours(origin: str | None, host: str | None, allowed_hosts: Sequence[str]) -> bool:
    """Whether a request with this `Origin` header (None: without one), sent to `host`, comes from our own page.

    Ports and schemes are not compared: a proxy in front, or the page in development, has others.
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
    # "*" names no host: with it, a foreign page would be let in.
    named = [pattern for pattern in allowed_hosts if pattern != "*"]
    return bracketed == split_domain_port(host or "")[0] or validate_host(bracketed, named)
