"""Started sites for the stress tests."""

from tests.support.fixtures.sites import embedded_site, postgres_site
from tests.support.fixtures.stressed_site import many_open_files, stressed_site

__all__ = [
    "embedded_site",
    "many_open_files",
    "postgres_site",
    "stressed_site",
]
