"""Files served by the embedded server itself: media with the headers that keep it harmless, static files, assets.

Starlette's StaticFiles streams and answers ranges; in production nginx does all of this.
"""

from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from filestore.media_types import media_type
from images.http.exception_responses import refusal_for_status

# Whatever is stored came from somebody: no script of it may run, no guess at its type be made.
_MEDIA_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-site",
}
_FOR_A_YEAR = "public, max-age=31536000, immutable"


class _Files:
    """Files below folders, with headers of ours, and our JSON where there is no such file."""

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
            refusal = refusal_for_status(error.status_code)
            answer = JSONResponse(refusal.body(), refusal.kind.status)
            await answer(scope, receive, send_with_headers)

    def headers_for(self, scope: Any, status: int) -> dict[str, str]:  # noqa: ARG002
        # What is not there now may be there after the next deployment.
        return self.headers if status < 400 else {}


class MediaFiles(_Files):
    """The stored originals and thumbnails. With `?v=`, which names what a file was made from, cached for a year."""

    def __init__(self, root: Path) -> None:
        super().__init__(StaticFiles(directory=root, check_dir=False), _MEDIA_HEADERS)

    def headers_for(self, scope: Any, status: int) -> dict[str, str]:
        # Not what this machine's table of types says: S3 and nginx tell browsers the same.
        described = {"Content-Type": media_type(scope["path"])} if status in (200, 206) else {}
        versioned = status in (200, 206, 304) and scope.get("query_string", b"").startswith(b"v=")
        cached = {"Cache-Control": _FOR_A_YEAR if versioned else "no-cache"}
        return {**self.headers, **described, **cached}


def packaged_files() -> Any:
    """The static files of the packages that have pages of their own."""
    return _Files(StaticFiles(packages=[("django.contrib.admin", "static"), ("ninja", "static")]), {})


def page_assets(folder: Path) -> Any:
    """The page's assets, whose names change with their content."""
    return _Files(StaticFiles(directory=folder, check_dir=False), {"Cache-Control": _FOR_A_YEAR})
