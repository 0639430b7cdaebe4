"""One image and its job, which have one id: read, delete, retry, abort."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from images import queue
from images.api.answers import json_answer
from images.api.listing import images_json, one
from images.api.schemas import ErrorOut, ImageOut
from images.errors import Refusal
from images.models import Image
from images.processing import transitions
from images.processing.announce import announce
from images.processing.remove import remove_images

router = Router(tags=["images"])

_REFUSED = {400: ErrorOut, 401: ErrorOut, 403: ErrorOut, 404: ErrorOut, 503: ErrorOut}


@router.get("/api/images/{image_id}", response={200: ImageOut, 400: ErrorOut, 404: ErrorOut, 503: ErrorOut})
def one_image(request: HttpRequest, image_id: UUID) -> HttpResponse:  # noqa: ARG001
    """One image."""
    return json_answer(images_json(one(image_id))[0])


@router.delete("/api/images/{image_id}", response={204: None, **_REFUSED})
def delete_image(request: HttpRequest, image_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Delete an image with its thumbnails."""
    if not remove_images(Image.objects.filter(id=image_id)):
        raise Refusal("not_found", "There is no image with this id.")
    return HttpResponse(status=204)


@router.post("/api/images/{image_id}/retry", response={202: ImageOut, 409: ErrorOut, **_REFUSED})
def retry_image(request: HttpRequest, image_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Process a failed or aborted image once more."""
    ids = transitions.retry([image_id])
    queue.publish(ids, one_task_each=True)
    return _changed(image_id, bool(ids), "not_retryable")


@router.post("/api/images/{image_id}/abort", response={202: ImageOut, 409: ErrorOut, **_REFUSED})
def abort_image(request: HttpRequest, image_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Stop an image that is not finished."""
    return _changed(image_id, bool(transitions.abort([image_id])), "not_abortable")


def _changed(image_id: UUID, changed: bool, refusal_code: str) -> HttpResponse:
    listed = one(image_id)
    if not changed:
        raise Refusal(refusal_code, status=listed[0][0]["status"])
    announce(listed)
    return json_answer(images_json(listed)[0], 202)
