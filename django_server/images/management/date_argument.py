"""Parse dates in command-line arguments."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime


def date_argument(text: str) -> datetime:
    """The moment of an ISO date, or date and time, in UTC unless it has a time zone. Raises ArgumentTypeError."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date. Write 2026-01-31 or 2026-01-31T12:00.") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
