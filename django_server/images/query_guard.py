"""Where rows become JSON nothing may ask the database: one statement per row is how lists get slow.

In tests and development a statement there raises; in production the guard costs nothing.
"""

from contextlib import AbstractContextManager, nullcontext

from django.conf import settings
from zen_queries import queries_disabled


def no_statements() -> AbstractContextManager[None]:
    """A block in which a statement raises zen_queries.QueriesDisabledError, where QUERY_GUARD is on."""
    guard: AbstractContextManager[None] = queries_disabled() if settings.QUERY_GUARD else nullcontext()
    return guard
