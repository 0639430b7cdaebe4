"""Django middleware: refuses requests that change something and come from a page of another site (CSRF protection).

Without it, any page open in a user's browser could send POST requests to this server, even on localhost. Django's CSRF
token protects the forms of the admin additionally.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from images.error_codes import ApiError
from images.http.allowed_origins import origin_is_ours
from images.http.json_responses import error_response

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class OriginMiddleware:
    """Responds with 403 to unsafe methods sent by a page of another site."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in _SAFE and self._is_foreign(request):
            return error_response(ApiError("forbidden_origin"))
        return self.get_response(request)

    def _is_foreign(self, request: HttpRequest) -> bool:
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            return True
        origin, host = request.headers.get("Origin"), request.headers.get("Host")
        return not origin_is_ours(origin, host, settings.ALLOWED_HOSTS)
