"""A cache of parsed UUIDs for psycopg2: a list page reads each image id four times, in the image and its thumbnails.

Without the cache a page of 100 images takes 21.8 ms of CPU instead of 18.1 ms, and a page of 1,000 takes 143 ms instead
of 122 ms (medians of three interleaved rounds, two cores; docs/internals.md). Called once by `config.threaded_handler`,
in the web process.
"""

from functools import lru_cache
from typing import Any
from uuid import UUID

from psycopg2 import extensions

_UUID_OID = 2950  # PostgreSQL's built-in type ids are fixed (pg_type.dat)
_IDS = 8192  # cached ids: two pages of the largest size (1,000) with their batches, and a reserve


def cache_parsed_ids() -> None:
    """Register the caching parser for all connections of this process. Equal ids then give the same UUID object."""
    parsed = lru_cache(maxsize=_IDS)(UUID)

    def parse(text: str | None, _cursor: Any) -> UUID | None:
        return None if text is None else parsed(text)

    extensions.register_type(extensions.new_type((_UUID_OID,), "UUID", parse))
