"""A guard against SQL statements while rows are turned into JSON, because one statement per row makes lists slow.

In tests and development (setting QUERY_GUARD), a statement raises an exception. In production the guard does nothing.
"""

from contextlib import AbstractContextManager, nullcontext

from django.conf import settings
from zen_queries import queries_disabled


def no_statements() -> AbstractContextManager[None]:
    """A block in which any SQL statement raises zen_queries.QueriesDisabledError if QUERY_GUARD is set."""
    guard: AbstractContextManager[None] = queries_disabled() if settings.QUERY_GUARD else nullcontext()
    return guard
