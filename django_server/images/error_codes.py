"""The table of error codes, and the exception that carries one of them.

HTTP responses, WebSocket messages, database rows and metrics use the same codes. Clients may rely on the codes. The
sentences are for users. An ApiError may have a more precise sentence than the table.
"""

from dataclasses import dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class ErrorKind:
    """The HTTP status of an error code, its default sentence, and after how many seconds a retry may succeed."""

    status: int
    sentence: str
    retry_after_seconds: int | None = None


ERRORS = {
    "missing_field": ErrorKind(400, "The request has no file in the expected field."),
    "too_many_files": ErrorKind(400, "The request has too many files."),
    "empty_file": ErrorKind(400, "The file is empty."),
    "unsupported_type": ErrorKind(400, "This is not an image of a supported type."),
    "too_many_pixels": ErrorKind(400, "The image has more pixels than are accepted."),
    "unknown_label": ErrorKind(400, "There is no thumbnail of that label."),
    "invalid_request": ErrorKind(400, "The request could not be understood."),
    "forbidden": ErrorKind(401, "A valid token is needed."),
    "forbidden_origin": ErrorKind(403, "Requests from pages of another site are refused."),
    "not_found": ErrorKind(404, "There is nothing here."),
    "method_not_allowed": ErrorKind(405, "This address does not take that method."),
    "not_retryable": ErrorKind(409, "Only images that failed or were aborted can be retried."),
    "not_abortable": ErrorKind(409, "Only images that are not finished can be aborted."),
    "not_completed": ErrorKind(409, "The image is not completed yet."),
    "request_in_progress": ErrorKind(409, "The same request is still under way.", 1),
    "file_too_large": ErrorKind(413, "The file is larger than is accepted."),
    "body_too_large": ErrorKind(413, "The request is larger than is accepted."),
    "unsupported_media_type": ErrorKind(415, "Send the files as multipart/form-data."),
    "corrupt_image": ErrorKind(422, "The image is damaged and could not be read."),
    "key_reused": ErrorKind(422, "This Idempotency-Key was used for other files."),
    "rate_limited": ErrorKind(429, "Too many requests.", 5),
    "processing_failed": ErrorKind(500, "The image could not be processed after several attempts."),
    "internal": ErrorKind(500, "Something went wrong on the server."),
    "overloaded": ErrorKind(503, "The server is busy. Try again in a moment.", 5),
    "storage_unavailable": ErrorKind(503, "The storage is not available. Try again in a moment.", 5),
    "database_unavailable": ErrorKind(503, "The database is not available. Try again in a moment.", 5),
}


class ApiError(Exception):
    """Rejects a request, or one of its files, with a code of `ERRORS`. `extra` is added to the JSON body."""

    def __init__(self, code: str, sentence: str | None = None, **extra: Any) -> None:
        self.kind = ERRORS[code]
        self.code = code
        self.sentence = sentence or self.kind.sentence
        self.extra = extra
        super().__init__(f"{code}: {self.sentence}")

    def body(self) -> dict[str, Any]:
        """The JSON body of the response."""
        return {"error": self.sentence, "code": self.code, **self.extra}

    def with_status(self, status: int) -> Self:
        """Change the HTTP status, for a route whose status does not depend on the code. Returns this error."""
        self.kind = replace(self.kind, status=status)
        return self

    def headers(self) -> dict[str, str]:
        after = self.kind.retry_after_seconds
        return {} if after is None else {"Retry-After": str(after)}
