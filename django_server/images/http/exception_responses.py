"""Turn every exception, including those of Django, ninja and the database, into a JSON error response."""

import logging
import uuid
from typing import Any

from django.core.exceptions import RequestAborted
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from images.error_codes import ApiError
from images.http.json_responses import error_response
from images.request_context import current_request_id

logger = logging.getLogger(__name__)

# The error code for an HTTP status that Django or ninja, not this app, has set.
_CODES_OF_STATUS = {
    400: "invalid_request",
    401: "forbidden",
    403: "forbidden_origin",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "overloaded",
}


def error_for_status(status: int) -> ApiError:
    """The ApiError for an HTTP status."""
    return ApiError(_CODES_OF_STATUS.get(status, "internal" if status >= 500 else "invalid_request"))


def exception_response(request: HttpRequest, error: Exception) -> HttpResponse:
    """The response for any exception of a view."""
    match error:
        case ApiError():
            return error_response(error)
        case ValidationError():
            return error_response(ApiError("invalid_request", _sentence(error)))
        case HttpError():
            return error_response(error_for_status(error.status_code))
        case Http404():
            return error_response(ApiError("not_found"))
        case OperationalError() | InterfaceError():
            logger.warning("The database did not answer %s %s: %s", request.method, request.path, error)
            return error_response(ApiError("database_unavailable"))
        case _:
            return internal_error_response(request, error)


def internal_error_response(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """A response with status 500 and the request id, which also is in the log line with the traceback."""
    request_id = current_request_id() or uuid.uuid4().hex
    logger.error("%s %s failed, request id %s", request.method, request.path, request_id, exc_info=error)
    return error_response(ApiError("internal", request_id=request_id))


def install(api: NinjaAPI) -> None:
    """Let `api` respond to every exception with a JSON error."""

    def respond(request: HttpRequest, error: Any) -> HttpResponse:
        if isinstance(error, RequestAborted):
            raise error
        return exception_response(request, error)

    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, respond)


def _sentence(error: ValidationError) -> str:
    """A sentence with the name of the first invalid parameter. ninja's own message is not shown."""
    first = error.errors[0] if error.errors else {}
    names = [str(part) for part in first.get("loc", ()) if part not in ("query", "path", "body", "form")]
    return f"The value of “{names[-1]}” is not valid." if names else "The request could not be understood."
