"""Addresses that people type with a missing or an extra slash."""

import pytest
from django.test import Client


@pytest.mark.parametrize(
    ("typed", "location"),
    [
        ("/admin", "/admin/"),
        ("/admin?next=/", "/admin/?next=/"),
        ("/admin/status", "/admin/status/"),
        ("/api/docs/", "/api/docs"),
    ],
)
def test_an_address_with_a_missing_or_an_extra_slash_redirects(typed: str, location: str) -> None:
    response = Client().get(typed)
    assert (response.status_code, response.headers["Location"]) == (302, location)


def test_the_api_documentation_and_the_page_still_have_their_addresses() -> None:
    assert Client().get("/api/docs").status_code == 200
    # 503 where the page is not built: the page's view, not a redirect.
    assert Client().get("/administration").status_code in (200, 503)
    assert Client().get("/api/nothing/").status_code == 404
