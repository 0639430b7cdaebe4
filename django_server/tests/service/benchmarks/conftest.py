"""Each test runs on both kinds of site."""

from tests.support.fixtures.sites import site

__all__ = [
    "site",
]
