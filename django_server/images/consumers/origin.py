"""Which pages may open the socket. Pure. Browsers say where a page is from; programs say nothing, and are users too."""

from urllib.parse import urlsplit

from django.http.request import split_domain_port, validate_host


def is_welcome(host: str | None, origin: str | None, allowed_hosts: list[str]) -> bool:
    """Whether a handshake with these headers is ours: `host` one of ours, `origin` none, the same host, or ours.

    The host is asked for first: a page of a name that was rebound to this address sends that name as both.
    Ports and schemes are not compared: a proxy in front has others.
    """
    if host is None or not validate_host(split_domain_port(host)[0], allowed_hosts):
        return False
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
    return bracketed == split_domain_port(host)[0] or validate_host(bracketed, named)
