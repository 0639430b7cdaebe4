"""Query parameters and headers that several routes share, with their bounds."""

from typing import Annotated

from ninja import Header, Query
from pydantic import AfterValidator

from images.http.pagination import LARGEST_PAGE


def _without_nul(text: str) -> str:
    # PostgreSQL can't store NUL: the statement would fail, with 500 in place of 400.
    if "\0" in text:
        raise ValueError
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
PageSize = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Images per page.")]
CursorText = Annotated[
    str | None, Query(max_length=200, description="From the Link header of the page before.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,  # of the column
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",  # no control characters
        description="A repeat with the same key and files gets the first answer, for a day, and stores nothing.",
    ),
]
