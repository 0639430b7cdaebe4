"""Django middleware: refuses changes that a page of another site sends through its visitor's browser.

Without it any page could post to localhost. Admin forms are protected by Django's CSRF token as well.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from images.errors import Refusal
from images.http.allowed_origins import origin_is_ours
from images.http.json_responses import refusal_response

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class OriginMiddleware:
    """Refuses unsafe methods sent by a page of another site."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in _SAFE and self._is_foreign(request):
            return refusal_response(Refusal("forbidden_origin"))
        return self.get_response(request)

    def _is_foreign(self, request: HttpRequest) -> bool:
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return True
        origin, host = request.headers.get("Origin"), request.headers.get("Host")
        return not origin_is_ours(origin, host, settings.ALLOWED_HOSTS)
