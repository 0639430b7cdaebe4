"""The view that serves the page's HTML file, and Django's error handlers, which respond with the JSON error body."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from images.error_codes import ApiError
from images.http.exception_responses import internal_error_response
from images.http.json_responses import error_response

_NOT_BUILT = "<!doctype html><title>Not built</title><p>The page is not built yet: run <code>make run</code>."


@require_safe
def page(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The HTML file of the built page.

    Browsers revalidate it on each visit; all assets have a content hash in their name.
    """
    try:
        html = (settings.PAGE_ROOT / "index.html").read_text()
    except FileNotFoundError:
        return HttpResponse(_NOT_BUILT, status=503)
    return HttpResponse(html, headers={"Cache-Control": "no-cache"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return error_response(ApiError("invalid_request"))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return error_response(ApiError("not_found"))


def server_error(request: HttpRequest) -> HttpResponse:
    return internal_error_response(request, None)
