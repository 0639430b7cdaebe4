"""A guard against database statements while rows are turned into JSON: one statement per row makes lists slow.

In tests and development a statement in the block raises; in production the guard costs nothing.
"""

from contextlib import AbstractContextManager, nullcontext

from django.conf import settings
from zen_queries import queries_disabled


def no_statements() -> AbstractContextManager[None]:
    """A block in which a statement raises zen_queries.QueriesDisabledError, where QUERY_GUARD is on."""
    guard: AbstractContextManager[None] = queries_disabled() if settings.QUERY_GUARD else nullcontext()
    return guard
