"""Types of query parameters and headers that several routes use, with their validation rules."""

from typing import Annotated

from ninja import Header, Query
from pydantic import AfterValidator

from images.http.pagination import LARGEST_PAGE


def _without_nul(text: str) -> str:
    # PostgreSQL can't store NUL. The SQL statement would fail, and the response would be 500 instead of 400.
    if "\0" in text:
        raise ValueError
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
PageSize = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Images per page.")]
CursorText = Annotated[
    str | None, Query(max_length=200, description="From the Link header of the previous page.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,  # the length of the database column
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",  # no control characters
        description="For a day, a repeat with the same key and files gets the first response and stores nothing.",
    ),
]
