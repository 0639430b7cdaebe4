"""`GET /api/thumbnails/{id}?label=` redirects to a thumbnail file. A missing or stale thumbnail is generated first."""

from typing import Annotated
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from images.api.parameter_types import Text
from images.api.schemas import ErrorOut
from images.error_codes import ApiError
from images.row_values import ListedImage
from images.serializers import thumbnail_url
from images.thumbnail_rules import default_label, is_valid, sizes
from images.thumbnails.generate import completed_image, generate_in_request

router = Router(tags=["images"])

_RESPONSES = {302: None, **dict.fromkeys((400, 404, 409, 422, 503), ErrorOut)}


@router.api_operation(["GET", "HEAD"], "/api/thumbnails/{image_id}", response=_RESPONSES)
def thumbnail(
    request: HttpRequest,
    image_id: str,
    label: Annotated[Text | None, Query(description="Default: the first label in /api/limits.")] = None,
) -> HttpResponse:
    """Redirect to the thumbnail's file. GET generates a missing or stale thumbnail; HEAD responds with 404 instead."""
    label = _valid_label(label)
    listed = completed_image(_id(image_id))
    if not _is_servable(listed, label):
        if request.method == "HEAD":
            raise ApiError("not_found", "This thumbnail is not made yet.")
        listed = generate_in_request(listed[0]["id"])
        if not _is_servable(listed, label):
            # The original was replaced, or the sizes were changed, while the thumbnail was generated.
            raise ApiError("overloaded")
    return HttpResponse(
        status=302,
        headers={
            "Location": thumbnail_url(listed[1][label]),
            "Cache-Control": f"private, max-age={settings.REDIRECT_SECONDS}",
        },
    )


@router.api_operation(["GET", "HEAD"], "/api/thumbnails", include_in_schema=False)
def no_list(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    raise ApiError("method_not_allowed", "Ask for the thumbnail of one image: /api/thumbnails/<id>.")


def _valid_label(requested: str | None) -> str:
    label = requested or default_label()
    if label is None or not sizes():
        raise ApiError("not_found", "No thumbnail sizes are configured.")
    if label not in sizes():
        raise ApiError("unknown_label", f"There is no thumbnail “{label}”; there are: {', '.join(sizes())}.")
    return label


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ApiError("not_found", "There is no image with this id.") from None


def _is_servable(listed: ListedImage, label: str) -> bool:
    image, thumbnails = listed
    return is_valid(thumbnails.get(label), sizes()[label], image["source_version"])
