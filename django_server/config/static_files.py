"""The files that this server serves itself: media with security headers, static files of packages, page assets.

Starlette's StaticFiles streams files and handles range requests. In production nginx serves all these files.
"""

from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from filestore.media_types import media_type
from images.http.exception_responses import error_for_status

# Media is uploaded content: a browser must run no script from it and must not guess its type.
_MEDIA_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-site",
}
_FOR_A_YEAR = "public, max-age=31536000, immutable"


class _Files:
    """StaticFiles with additional headers, and with the JSON error body for a missing file."""

    def __init__(self, files: StaticFiles, headers: dict[str, str]) -> None:
        self.files = files
        self.headers = headers

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers_for(scope, message["status"]).items():
                    headers[name] = value
            await send(message)

        try:
            await self.files(scope, receive, send_with_headers)
        except HTTPException as error:
            api_error = error_for_status(error.status_code)
            response = JSONResponse(api_error.body(), api_error.kind.status)
            await response(scope, receive, send_with_headers)

    def headers_for(self, scope: Any, status: int) -> dict[str, str]:  # noqa: ARG002
        # A missing file must not be cached: it may exist after the next deployment.
        return self.headers if status < 400 else {}


class MediaFiles(_Files):
    """Originals and thumbnails.

    A URL with `?v=` contains the version of the source, so browsers cache it for a year.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(StaticFiles(directory=root, check_dir=False), _MEDIA_HEADERS)

    def headers_for(self, scope: Any, status: int) -> dict[str, str]:
        # `media_type` instead of this machine's mime.types, so that the server, S3 and nginx send the same type.
        type_header = {"Content-Type": media_type(scope["path"])} if status in (200, 206) else {}
        versioned = status in (200, 206, 304) and scope.get("query_string", b"").startswith(b"v=")
        cache_header = {"Cache-Control": _FOR_A_YEAR if versioned else "no-cache"}
        return {**self.headers, **type_header, **cache_header}


def packaged_files() -> Any:
    """Static files of packages that have HTML pages: the admin and the API documentation."""
    return _Files(StaticFiles(packages=[("django.contrib.admin", "static"), ("ninja", "static")]), {})


def page_assets(folder: Path) -> Any:
    """Assets of the page. Their names contain a content hash, so browsers cache them for a year."""
    return _Files(StaticFiles(directory=folder, check_dir=False), {"Cache-Control": _FOR_A_YEAR})
