"""Keyset pagination: a cursor is the position of the last row of a page.

The cost of a page does not depend on its position, and new rows do not move existing rows to another page.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from images.error_codes import ApiError
from images.serializers import site_url

# Default number of rows on a page.
PAGE = 100
# Maximum number of rows on a page.
LARGEST_PAGE = 1000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Cursor:
    """The position of a row in a list that is ordered by time and id, newest first."""

    moment: datetime
    id: UUID

    def __str__(self) -> str:
        microseconds = (self.moment - _EPOCH) // timedelta(microseconds=1)
        return base64.urlsafe_b64encode(f"{microseconds}.{self.id.hex}".encode()).decode().rstrip("=")


def parse_cursor(text: str) -> Cursor:
    """Parse a cursor. Raises ApiError invalid_request."""
    try:
        plain = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)).decode("ascii")
        microseconds, _, id_ = plain.partition(".")
        return Cursor(_EPOCH + timedelta(microseconds=int(microseconds)), UUID(id_))
    except (binascii.Error, UnicodeError, ValueError, OverflowError) as error:
        raise ApiError("invalid_request", "The value of “cursor” is not valid.") from error


def after(rows: QuerySet[Row], moment_field: str, cursor: str | None) -> QuerySet[Row]:
    """`rows`, newest first, beginning after `cursor`; without a cursor, from the start."""
    ordered = rows.order_by(f"-{moment_field}", "-id")
    if not cursor:
        return ordered
    position = parse_cursor(cursor)
    # The first condition lets the database use the index. The second leaves out the rows of the same microsecond that
    # are on the previous page.
    return ordered.filter(**{f"{moment_field}__lte": position.moment}).filter(
        Q(**{f"{moment_field}__lt": position.moment}) | Q(id__lt=position.id)
    )


def link_to_next(request: HttpRequest, cursor: Cursor) -> dict[str, str]:
    """The `Link` header of the next page, with the other query parameters unchanged."""
    query = request.GET.copy()
    query["cursor"] = str(cursor)
    return {"Link": f'<{site_url(request.path)}?{query.urlencode()}>; rel="next"'}
