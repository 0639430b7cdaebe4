"""The cost of a PostgreSQL connection apart from the app's statements."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg2.extras
import pytest
from django.db import connection

from config.database_ids import cache_parsed_ids

pytestmark = pytest.mark.django_db


@pytest.fixture
def cached_ids() -> Iterator[None]:
    cache_parsed_ids()
    yield
    psycopg2.extras.register_uuid()


def test_a_new_connection_has_its_time_zone_without_a_statement() -> None:
    params: dict[str, Any] = connection.get_connection_params()
    opened = connection.get_new_connection(params)
    try:
        # Otherwise Django's backend sets it by a statement, on each connection.
        assert opened.info.parameter_status("TimeZone") == connection.timezone_name
    finally:
        opened.close()


@pytest.mark.usefixtures("cached_ids")
def test_equal_ids_come_as_the_same_object_and_null_as_none() -> None:
    one, other = uuid4(), uuid4()
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::uuid, %s::uuid, %s::uuid, NULL::uuid", [one, other, one])
        first, second, third, none = cursor.fetchone()
    assert (first, second, none) == (one, other, None)
    assert isinstance(first, UUID)
    assert first is third
