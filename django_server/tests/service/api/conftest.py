"""A site on a PostgreSQL of its own."""

from tests.support.fixtures.request_site import database, site

__all__ = [
    "database",
    "site",
]
