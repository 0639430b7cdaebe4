"""Runs tests of the app again on SQLite, the embedded default's database."""

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
def test_the_tests_pass_on_sqlite_too(name: str) -> None:
    assert failures_on_sqlite(Path(__file__).parent / f"{name}.py") == ""
