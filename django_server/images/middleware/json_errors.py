"""Django middleware: below /api/, /healthz and /readyz, Django's own HTML error pages are replaced by JSON errors."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from images.http.exception_responses import error_for_status
from images.http.json_responses import error_response

_JSON_PATHS = ("/api/", "/healthz", "/readyz")


class JsonErrorsMiddleware:
    """Replaces an error response that is not JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_error = response.status_code >= 400 and request.path.startswith(_JSON_PATHS)
        if not is_error or response.get("Content-Type", "").startswith("application/json"):
            return response
        json_error = error_response(error_for_status(response.status_code))
        if "Allow" in response:
            json_error["Allow"] = response["Allow"]
        return json_error
