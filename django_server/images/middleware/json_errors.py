"""Middleware: what Django refuses by itself below /api, /healthz and /readyz is answered as JSON, not as a page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from images.http.exception_responses import refusal_for_status
from images.http.json_responses import refusal_response

_OURS = ("/api/", "/healthz", "/readyz")


class JsonErrorsMiddleware:
    """Replaces the body of an error answer that is not JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_error = response.status_code >= 400 and request.path.startswith(_OURS)
        if not is_error or response.get("Content-Type", "").startswith("application/json"):
            return response
        answer = refusal_response(refusal_for_status(response.status_code))
        if "Allow" in response:
            answer["Allow"] = response["Allow"]
        return answer
