"""Each test has a data folder of its own."""

from tests.support.fixtures.app import empty_storage

__all__ = [
    "empty_storage",
]
