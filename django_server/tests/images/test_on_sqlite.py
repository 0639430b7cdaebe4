"""The same protocol on the embedded default's database: the app's tests run again, on SQLite."""

from pathlib import Path

import pytest

from tests.on_sqlite import failures_on_sqlite


@pytest.mark.parametrize(
    "name",
    [
        "test_processing",
        "test_sweep",
        "test_listing",
        "test_statement_counts",
        "test_synchronous",
        "test_reconcile",
        "test_reconcile_walk",
        "test_delete_command",
    ],
)
def test_what_holds_on_postgresql_holds_on_sqlite(name: str) -> None:
    assert failures_on_sqlite(Path(__file__).with_name(f"{name}.py")) == ""
