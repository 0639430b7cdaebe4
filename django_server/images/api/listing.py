"""The list of images, and how listed images become JSON."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from images.api.answers import kept_answer
from images.api.paging import Cursor, after, link_to_next
from images.api.parameters import PAGE, CursorText, PageSize, Text
from images.api.schemas import ErrorOut, ImageOut, StatusName
from images.api.turns import turn_for
from images.errors import Refusal
from images.listing import Listed, by_ids, with_thumbnails
from images.models import Image
from images.query_guard import no_statements
from images.wire import Addresses, Json, image_json

router = Router(tags=["images"])

MOST_IDS = 100


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
    """Images, newest first. More: the `Link` header."""
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
    with turn_for(limit):
        # One more than is shown tells whether there is a next page, without counting.
        listed = with_thumbnails(after(images, "uploaded_at", cursor)[: limit + 1])
        headers = {}
        if len(listed) > limit:
            headers = link_to_next(request, place_of(listed[limit - 1]))
        return kept_answer(request, images_json(listed[:limit]), headers)


def one(image_id: UUID) -> list[Listed]:
    """The image of this id. Raises Refusal not_found."""
    listed = by_ids([image_id])
    if not listed:
        raise Refusal("not_found", "There is no image with this id.")
    return listed


def images_json(listed: list[Listed]) -> list[Json]:
    with no_statements():
        at = Addresses.now()
        return [image_json(image, thumbnails, at) for image, thumbnails in listed]


def place_of(listed: Listed) -> Cursor:
    """Where an image stands in the list."""
    image, _ = listed
    return Cursor(image["uploaded_at"], image["id"])


def _parse_ids(texts: list[str]) -> list[UUID]:
    parts = [part for text in texts for part in text.split(",") if part]
    if len(parts) > MOST_IDS:
        raise Refusal("invalid_request", f"At most {MOST_IDS} ids are taken at once.")
    try:
        return [UUID(part) for part in parts]
    except ValueError as error:
        raise Refusal("invalid_request", "The value of “ids” is not a list of ids.") from error
