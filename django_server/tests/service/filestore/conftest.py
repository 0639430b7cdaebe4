"""An empty bucket for each test."""

from tests.support.fixtures.servers import store

__all__ = [
    "store",
]
