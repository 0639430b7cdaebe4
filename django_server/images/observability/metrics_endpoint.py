"""`GET /metrics` on the site's own port, for clients on this machine only.

`config.asgi` mounts it in front of Django, so that a scrape passes no middleware.
"""

import ipaddress
from collections.abc import Mapping

from asgiref.sync import sync_to_async
from django.conf import settings
from starlette.types import Receive, Scope, Send

from images.error_codes import ApiError
from images.http.allowed_origins import host_is_ours
from images.http.early_response import send_error
from images.observability.metrics_text import CONTENT_TYPE, exposition

# A request with one of these headers came through a proxy. Its client may be on another machine.
_PROXY_HEADERS = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"})


class LocalMetrics:
    """The ASGI application of /metrics. Clients on other machines get 404."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_from_this_machine(scope):
            await send_error(ApiError("not_found"), receive, send, body_ended=False)
        elif scope["method"] not in ("GET", "HEAD"):
            await send_error(ApiError("method_not_allowed"), receive, send, body_ended=False)
        else:
            text = await sync_to_async(exposition, thread_sensitive=False)(with_state=True)
            headers = {"content-type": CONTENT_TYPE, "cache-control": "no-store"}
            await _respond(send, headers, b"" if scope["method"] == "HEAD" else text)


async def _respond(send: Send, headers: Mapping[str, str], body: bytes) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


def _is_from_this_machine(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"").decode("latin-1")
    if _PROXY_HEADERS & headers.keys() or not host_is_ours(host, settings.ALLOWED_HOSTS):
        return False
    try:
        return ipaddress.ip_address((scope.get("client") or ("",))[0]).is_loopback
    except ValueError:
        return False
