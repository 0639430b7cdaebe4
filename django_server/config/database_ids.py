"""Ids from PostgreSQL, each parsed once: an answer names an image and its thumbnails, and so the same id four times.

Parsing was a twentieth of the CPU of a page of the list. Called once, by `config.threaded_handler`, in the web process.
"""

from functools import lru_cache
from typing import Any
from uuid import UUID

from psycopg2 import extensions

_UUID_OID = 2950  # of PostgreSQL's own types the ids are fixed (its pg_type.dat)
_IDS = 8192  # two pages of the largest size, with their batches


def remember_ids() -> None:
    """From now on connections give equal ids as the same object."""
    parsed = lru_cache(maxsize=_IDS)(UUID)

    def id_of(text: str | None, _cursor: Any) -> UUID | None:
        return None if text is None else parsed(text)

    extensions.register_type(extensions.new_type((_UUID_OID,), "UUID", id_of))
