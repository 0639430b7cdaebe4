"""Routes of images: the list, one image, delete, retry, abort. The id of an image is also the id of its job."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from images.api.parameter_types import CursorText, PageSize, Text
from images.api.schemas import ErrorOut, ImageOut, StatusName
from images.deletion import delete_images
from images.error_codes import ApiError
from images.http.json_responses import json_response, json_response_with_etag
from images.http.large_page_slot import long_page_slot
from images.http.pagination import PAGE, Cursor, after, link_to_next
from images.models import Image
from images.processing import transitions
from images.processing.enqueue_or_mark import enqueue_or_mark_unqueued
from images.processing.publish import publish_images
from images.queries import by_ids, with_thumbnails
from images.row_values import ListedImage
from images.serializers import Addresses, Json, image_json
from images.sql_statement_guard import no_statements

router = Router(tags=["images"])

MAX_IDS = 100
_REFUSED = {400: ErrorOut, 401: ErrorOut, 403: ErrorOut, 404: ErrorOut, 503: ErrorOut}


@router.get("/api/list", response={200: list[ImageOut], 304: None, 400: ErrorOut, 503: ErrorOut})
def list_images(
    request: HttpRequest,
    limit: PageSize = PAGE,
    cursor: CursorText = None,
    ids: Annotated[
        list[Text] | None, Query(description="At most 100, repeated or separated by commas.")
    ] = None,
    status: StatusName | None = None,
    collection: Text | None = None,
    batch: UUID | None = None,
    q: Annotated[Text | None, Query(description="Part of the name.")] = None,
) -> HttpResponse:
    """Images, newest first. The `Link` header has the URL of the next page."""
    images = Image.objects.all()
    if ids is not None:
        images = images.filter(id__in=_parse_ids(ids))
    if status:
        images = images.filter(status=status)
    if collection:
        images = images.filter(collection=collection)
    if batch:
        images = images.filter(batch_id=batch)
    if q:
        images = images.filter(name__icontains=q)
    with long_page_slot(limit):
        # One row more than `limit` is read, to know whether there is a next page without counting all rows.
        listed = with_thumbnails(after(images, "uploaded_at", cursor)[: limit + 1])
        headers = {}
        if len(listed) > limit:
            headers = link_to_next(request, cursor_of(listed[limit - 1]))
        return json_response_with_etag(request, images_json(listed[:limit]), headers)


@router.get("/api/images/{image_id}", response={200: ImageOut, 400: ErrorOut, 404: ErrorOut, 503: ErrorOut})
def one_image(request: HttpRequest, image_id: UUID) -> HttpResponse:  # noqa: ARG001
    """One image."""
    return json_response(images_json(existing_image(image_id))[0])


@router.delete("/api/images/{image_id}", response={204: None, **_REFUSED})
def delete_image(request: HttpRequest, image_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Delete an image with its thumbnails."""
    if not delete_images(Image.objects.filter(id=image_id)):
        raise ApiError("not_found", "There is no image with this id.")
    return HttpResponse(status=204)


@router.post("/api/images/{image_id}/retry", response={202: ImageOut, 409: ErrorOut, **_REFUSED})
def retry_image(request: HttpRequest, image_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Process a failed or aborted image again."""
    ids = transitions.retry([image_id])
    enqueue_or_mark_unqueued(ids, one_task_each=True)
    return _changed_response(image_id, bool(ids), "not_retryable")


@router.post("/api/images/{image_id}/abort", response={202: ImageOut, 409: ErrorOut, **_REFUSED})
def abort_image(request: HttpRequest, image_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Abort a pending or processing image."""
    return _changed_response(image_id, bool(transitions.abort([image_id])), "not_abortable")


def existing_image(image_id: UUID) -> list[ListedImage]:
    """The image with this id, in a list. Raises ApiError `not_found`."""
    listed = by_ids([image_id])
    if not listed:
        raise ApiError("not_found", "There is no image with this id.")
    return listed


def images_json(listed: list[ListedImage]) -> list[Json]:
    """The JSON objects of these images. Sends no SQL statement."""
    with no_statements():
        at = Addresses.now()
        return [image_json(image, thumbnails, at) for image, thumbnails in listed]


def cursor_of(listed: ListedImage) -> Cursor:
    """The position of an image in the list."""
    image, _ = listed
    return Cursor(image["uploaded_at"], image["id"])


def _parse_ids(texts: list[str]) -> list[UUID]:
    parts = [part for text in texts for part in text.split(",") if part]
    if len(parts) > MAX_IDS:
        raise ApiError("invalid_request", f"At most {MAX_IDS} ids are taken at once.")
    try:
        return [UUID(part) for part in parts]
    except ValueError as error:
        raise ApiError("invalid_request", "The value of “ids” is not a list of ids.") from error


def _changed_response(image_id: UUID, changed: bool, error_code: str) -> HttpResponse:
    """Publish the changed image and respond with it. Raises ApiError `error_code` if it was not changed."""
    listed = existing_image(image_id)
    if not changed:
        raise ApiError(error_code, status=listed[0][0]["status"])
    publish_images(listed)
    return json_response(images_json(listed)[0], 202)
