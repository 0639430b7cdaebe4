"""Whether a request comes from a page of this server. Pure.

A browser sends the origin of the page. Requests of other programs have no origin and are accepted. Used by the HTTP
middleware and by the WebSocket handshake.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.http.request import split_domain_port, validate_host


def host_is_ours(host: str | None, allowed_hosts: Sequence[str]) -> bool:
    """Whether a request was sent to one of our host names.

    This check is needed against DNS rebinding: there, a foreign page sends its own name as the host and as the origin.
    """
    return host is not None and validate_host(split_domain_port(host)[0], allowed_hosts)


def origin_is_ours(origin: str | None, host: str | None, allowed_hosts: Sequence[str]) -> bool:
    """Whether a request with this `Origin` header, sent to `host`, may come from our own page. True without `Origin`.

    Ports and schemes are not compared, because they differ behind a proxy and on the development server.
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
    # "*" is left out, because it would match the host of any foreign page.
    named = [pattern for pattern in allowed_hosts if pattern != "*"]
    return bracketed == split_domain_port(host or "")[0] or validate_host(bracketed, named)
