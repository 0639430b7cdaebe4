"""The query parameters that several endpoints share, with their bounds."""

from typing import Annotated

from ninja import Query
from pydantic import AfterValidator

from images.http.pagination import LARGEST_PAGE


def _without_nul(text: str) -> str:
    # PostgreSQL holds no NUL and would fail where a sentence is due.
    if "\0" in text:
        raise ValueError
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
PageSize = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Images per page.")]
CursorText = Annotated[
    str | None, Query(max_length=200, description="From the Link header of the page before.")
]
