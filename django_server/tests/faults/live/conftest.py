"""A site on a Redis of its own, and a connected client."""

from tests.support.fixtures.live_site import client, redis, shared_site, site

__all__ = [
    "client",
    "redis",
    "shared_site",
    "site",
]
