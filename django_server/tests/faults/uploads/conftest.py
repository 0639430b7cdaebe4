"""A site on servers of its own, which the tests make unavailable; the fixtures of the app's tests."""

from tests.support.fixtures.app import empty_storage, queue_messages, stored_keys
from tests.support.fixtures.request_site import database, room, site

__all__ = [
    "database",
    "empty_storage",
    "queue_messages",
    "room",
    "site",
    "stored_keys",
]
