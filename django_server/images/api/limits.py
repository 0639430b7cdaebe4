"""`GET /api/limits`: the limits of uploads, so that a client can reject a file without sending it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router

from images.api.schemas import LimitsOut
from images.http.json_responses import json_response
from images.thumbnail_rules import sizes
from imaging import ACCEPTED_MEDIA_TYPES

router = Router(tags=["limits"])


@router.get("/api/limits", response=LimitsOut)
def limits(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Accepted file types, file sizes and numbers of files, and the thumbnail sizes."""
    return json_response(
        {
            "types": list(ACCEPTED_MEDIA_TYPES),
            "bytes_per_file": settings.MAX_FILE_BYTES,
            "bytes_per_request": settings.MAX_BODY_BYTES,
            "files_per_request": settings.MAX_FILES_PER_REQUEST,
            "pixels": settings.MAX_PIXELS,
            "pixels_baseline_jpeg": settings.MAX_PIXELS_BASELINE_JPEG,
            "pixels_progressive_jpeg": settings.MAX_PIXELS_PROGRESSIVE_JPEG,
            "labels": dict(sizes()),
        }
    )
