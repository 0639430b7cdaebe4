"""Middleware: a page of another site can't make its visitor's browser change anything here.

Any page could otherwise post to localhost. Admin forms carry Django's CSRF token besides.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from images.api.answers import refusal_answer
from images.errors import Refusal
from images.origins import origin_is_ours

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class RefuseForeignOrigin:
    """Refuses unsafe methods that a foreign page sent."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in _SAFE and self._is_foreign(request):
            return refusal_answer(Refusal("forbidden_origin"))
        return self.get_response(request)

    def _is_foreign(self, request: HttpRequest) -> bool:
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return True
        origin, host = request.headers.get("Origin"), request.headers.get("Host")
        return not origin_is_ours(origin, host, settings.ALLOWED_HOSTS)
