"""Idempotency once more on the embedded default's database, which has another clock and other locks."""

from pathlib import Path

from tests.on_sqlite import failures_on_sqlite


def test_what_holds_for_keys_on_postgresql_holds_on_sqlite() -> None:
    assert failures_on_sqlite(Path(__file__).with_name("test_idempotency.py")) == ""
