"""Which web pages may talk to this server: those it serves itself. Programs send no Origin and are welcome."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host


def origin_is_ours(origin: str | None, host: str) -> bool:
    """Whether a request with this `Origin` header (None: without one), sent to `host`, comes from our own page.

    The port is not compared: behind a proxy, and in development, the page's is another.
    """
    if origin is None:
        return True
    name = urlsplit(origin).hostname if origin != "null" else None
    if not name:
        return False
    return name == (urlsplit(f"//{host}").hostname or "") or validate_host(name, settings.ALLOWED_HOSTS)
