"""The same protocol on the embedded default's database: the app's tests, once more, on SQLite."""

from pathlib import Path

import pytest

from tests.support.processes.rerun_on_sqlite import failures_on_sqlite


@pytest.mark.parametrize(
    "name",
    [
        "processing/test_worker_loop",
        "images/test_sweeper",
        "api/test_listing",
        "api/test_statement_counts",
        "uploads/test_synchronous",
        "reconcile/test_reconcile",
        "reconcile/test_merged_listing",
        "management/test_delete_command",
        "uploads/test_idempotency",
    ],
)
def test_what_holds_on_postgresql_holds_on_sqlite(name: str) -> None:
    assert failures_on_sqlite(Path(__file__).parent / f"{name}.py") == ""
