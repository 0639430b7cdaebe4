"""Reads and changes a running site's rows and files from outside."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg2

from tests.support.processes.process_tree import eventually
from tests.support.sites.running_site import RunningSite


@contextmanager
def transaction(url: str) -> Iterator[Any]:
    """A cursor on the database. Its changes are committed at the end of the block."""
    connection = psycopg2.connect(url.replace("postgres:", "postgresql:", 1), connect_timeout=10)
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def value(url: str, statement: str, *parameters: str) -> Any:
    """The single value that a query returns."""
    with transaction(url) as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0]


def is_ready(site: RunningSite) -> bool:
    with site.client() as client:
        try:
            return client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False


def all_final(client: httpx.Client) -> list[dict[str, Any]]:
    """All images, once each is final."""
    images: list[dict[str, Any]] = []

    def final() -> bool:
        images[:] = client.get("/api/list", params={"limit": 1000}).json()
        return all(image["final"] for image in images)

    assert eventually(final, 120), images
    return images


def require_consistent(site: RunningSite) -> None:
    """Each image is final and has its files, and after a sweep there is no other file."""
    two_hours_ago = time.time() - 7200
    for left in (site.data_dir / "incoming").iterdir():
        os.utime(left, (two_hours_ago, two_hours_ago))
    site.manage("sweep", environment={})
    with site.client() as client:
        images = all_final(client)
    known = {urlsplit(url).path for image in images for url in _urls(image)}
    assert {f"/{path.relative_to(site.data_dir)}" for path in site.stored_files()} == known


def _urls(image: dict[str, Any]) -> list[str]:
    return [image["original"], *(image["thumbnails"] or {}).values()]
