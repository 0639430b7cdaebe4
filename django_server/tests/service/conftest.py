"""Fixtures of the tests that need a server: a clean storage, the queue, an S3 server, started sites."""

from tests.support.fixtures.app import empty_storage, queue_messages, stored_keys
from tests.support.fixtures.servers import s3
from tests.support.fixtures.sites import embedded_site, postgres_site
from tests.support.fixtures.stressed_site import stressed_site

__all__ = [
    "embedded_site",
    "empty_storage",
    "postgres_site",
    "queue_messages",
    "s3",
    "stored_keys",
    "stressed_site",
]
