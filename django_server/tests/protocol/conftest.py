"""A data folder of its own and an empty queue for each test, as in the tests of the app."""

from tests.images.conftest import empty_storage, queue_messages, stored_keys

__all__ = ["empty_storage", "queue_messages", "stored_keys"]
