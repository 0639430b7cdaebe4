"""Django's HTTP application, run whole in a thread for each request.

Its middleware and views here are synchronous. Django would hop between the event loop and a thread for each
middleware: 1.73 ms of CPU for the smallest request, against 0.76 with one hop (300 requests each, interleaved).
"""

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class ThreadedHandler(ASGIHandler):
    """Django's ASGI handler with one hop to a thread instead of one per middleware."""

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


def django_http_application() -> ThreadedHandler:
    """What django.core.asgi.get_asgi_application gives, threaded."""
    django.setup(set_prefix=False)
    return ThreadedHandler()
