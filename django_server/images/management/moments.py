"""What a date on the command line means."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime


def moment(text: str) -> datetime:
    """An ISO date, or date and time; in UTC where it names no zone. Raises ArgumentTypeError with a sentence."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date: write 2026-01-31, or 2026-01-31T12:00.") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
