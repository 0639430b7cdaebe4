"""Convert timestamps between ISO 8601 in UTC, as in manifests, and microseconds since the epoch. Pure.

Uses no floats, so that every conversion is exact.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Times outside the range of `datetime` are clamped, because a file may have a modification time in the year 30000.
_EARLIEST_S, _LATEST_S = -62_135_596_800, 253_402_300_799  # 0001-01-01 and 9999-12-31


def format_timestamp(microseconds: int) -> str:
    """`2026-01-02T03:04:05+00:00`, with six decimals of a second if they are not zero."""
    seconds, rest = divmod(microseconds, 1_000_000)
    text = _iso_second(seconds)
    return f"{text}.{rest:06}+00:00" if rest else text + "+00:00"


@lru_cache(maxsize=4096)  # In an archive, thousands of files are from the same minute.
def _iso_second(seconds: int) -> str:
    within = min(max(seconds, _EARLIEST_S), _LATEST_S)
    return (_EPOCH + timedelta(seconds=within)).replace(tzinfo=None).isoformat()


def parse_timestamp(text: str) -> datetime:
    """The time as an aware datetime in UTC. A text without an offset is taken as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def to_microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
