"""Routes of batches: list, one batch with its images, delete, retry, abort."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Annotated, cast
from uuid import UUID

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from images.api.images import cursor_of, images_json
from images.api.parameter_types import CursorText, PageSize
from images.api.schemas import BatchOut, BatchWithImagesOut, CountsOut, ErrorOut
from images.deletion import delete_images
from images.error_codes import ApiError
from images.http.json_responses import json_response, json_response_with_etag
from images.http.large_page_slot import long_page_slot
from images.http.pagination import PAGE, Cursor, after, link_to_next
from images.middleware.wait_for_batch import LONGEST_WAIT_SECONDS
from images.models import FINAL_STATUSES, Batch, Image
from images.processing.retry_abort import STEP_IMAGES, abort, retry
from images.queries import with_thumbnails
from images.serializers import Json, time_json

router = Router(tags=["batches"])

WaitSeconds = Annotated[
    int,
    Query(
        ge=0,
        le=LONGEST_WAIT_SECONDS,
        description="Respond when all images of the batch are final, or after so many seconds.",
    ),
]
_REFUSED = {400: ErrorOut, 401: ErrorOut, 403: ErrorOut, 404: ErrorOut, 503: ErrorOut}

Counts = dict[str, int]


@router.get("/api/batches", response={200: list[BatchOut], 400: ErrorOut, 503: ErrorOut})
def list_batches(request: HttpRequest, limit: PageSize = PAGE, cursor: CursorText = None) -> HttpResponse:
    """Batches, newest first."""
    # Two SQL statements.
    batches = list(after(Batch.objects.all(), "created_at", cursor)[: limit + 1])
    counts = _counts([batch.id for batch in batches[:limit]])
    headers = {}
    if len(batches) > limit:
        last = batches[limit - 1]
        headers = link_to_next(request, Cursor(last.created_at, last.id))
    return json_response([_batch_json(batch, counts[batch.id]) for batch in batches[:limit]], headers=headers)


@router.get(
    "/api/batches/{batch_id}",
    response={200: BatchWithImagesOut, 304: None, 400: ErrorOut, 404: ErrorOut, 503: ErrorOut},
)
def one_batch(
    request: HttpRequest,
    batch_id: UUID,
    limit: PageSize = PAGE,
    cursor: CursorText = None,
    wait: WaitSeconds = 0,  # noqa: ARG001  used by `images.middleware.wait_for_batch`
) -> HttpResponse:
    """One batch with a page of its images."""
    # Four SQL statements.
    batch = _existing_batch(batch_id)
    with long_page_slot(limit):
        listed = with_thumbnails(after(batch.images.all(), "uploaded_at", cursor)[: limit + 1])
        headers = link_to_next(request, cursor_of(listed[limit - 1])) if len(listed) > limit else {}
        batch_json = _batch_json(batch, _counts([batch_id])[batch_id])
        return json_response_with_etag(
            request, {**batch_json, "images": images_json(listed[:limit])}, headers
        )


@router.delete("/api/batches/{batch_id}", response={202: CountsOut, **_REFUSED})
def delete_batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Delete a batch with all of its images."""
    batch = _existing_batch(batch_id)
    deleted = 0
    while ids := list(batch.images.values_list("id", flat=True)[:STEP_IMAGES]):
        deleted += delete_images(Image.objects.filter(id__in=ids))
    batch.delete()
    return json_response({"id": str(batch_id), "changed": deleted, "counts": {}}, 202)


@router.post("/api/batches/{batch_id}/retry", response={202: CountsOut, **_REFUSED})
def retry_batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Process the failed and aborted images of a batch again."""
    return _change_all(_existing_batch(batch_id), retry)


@router.post("/api/batches/{batch_id}/abort", response={202: CountsOut, **_REFUSED})
def abort_batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:  # noqa: ARG001
    """Abort the pending and processing images of a batch."""
    return _change_all(_existing_batch(batch_id), abort)


def _change_all(batch: Batch, change: Callable[[Sequence[UUID]], int]) -> HttpResponse:
    """Call `change` for all images of the batch in steps, and respond with the number of changed images."""
    ids = list(batch.images.order_by("id").values_list("id", flat=True))
    total = sum(change(ids[start : start + STEP_IMAGES]) for start in range(0, len(ids), STEP_IMAGES))
    return json_response(
        {"id": str(batch.id), "changed": total, "counts": _counts([batch.id])[batch.id]}, 202
    )


def _existing_batch(batch_id: UUID) -> Batch:
    batch = Batch.objects.filter(id=batch_id).first()
    if batch is None:
        raise ApiError("not_found", "There is no batch with this id.")
    return batch


def _counts(batch_ids: Sequence[UUID]) -> dict[UUID, Counts]:
    """For each batch, the number of images in each status. One SQL statement."""
    counts: dict[UUID, Counts] = defaultdict(dict)
    rows = (
        Image.objects.filter(batch_id__in=batch_ids).values_list("batch_id", "status").annotate(Count("id"))
    )
    for batch_id, status, number in rows.order_by():
        counts[cast(UUID, batch_id)][status] = number
    return counts


def _batch_json(batch: Batch, counts: Counts) -> Json:
    return {
        "id": str(batch.id),
        "created_at": time_json(batch.created_at),
        "total": sum(counts.values()),
        "counts": counts,
        "final": all(status in FINAL_STATUSES for status in counts),
    }
