"""Text sent by a client can't begin a line of a log, in either format, or fill the log."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client

from config.log_config import FORMATS, logging_settings
from images.request_context import fit_request_id, on_behalf_of

HOSTILE = [
    "\n2026-01-01 00:00:00,000 CRITICAL root: forged",
    "\r\nforged",
    "\x1b[2Jforged",
    "\u2028forged\u2029forged\x85forged\x0bforged",
    '"}\n{"message": "forged"}',
]


@contextmanager
def logged(log_format: str) -> Iterator[io.StringIO]:
    """The output of the handler that the settings define, used by loggers of the test."""
    written = io.StringIO()
    made = logging_settings(log_format, "INFO")
    made["handlers"]["console"]["stream"] = written
    only = {
        key: made[key] for key in ("version", "disable_existing_loggers", "filters", "formatters", "handlers")
    }
    tested = {"handlers": ["console"], "level": "INFO", "propagate": False}
    before = logging.getLogger("images.http.exception_responses")
    try:
        logging.config.dictConfig(
            {**only, "loggers": {"tested": tested, "images.http.exception_responses": tested}}
        )
        yield written
    finally:
        before.handlers, before.propagate = [], True
        before.setLevel(logging.NOTSET)


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_message_is_one_line_whatever_is_in_it(log_format: str, hostile: str) -> None:
    with logged(log_format) as written:
        logging.getLogger("tested").info("A file %s came in.", hostile)
    text = written.getvalue()
    assert text.endswith("\n")
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text


@pytest.mark.parametrize("log_format", FORMATS)
def test_the_text_of_an_exception_begins_no_line(log_format: str) -> None:
    with logged(log_format) as written:
        try:
            raise ValueError(HOSTILE[0])
        except ValueError:
            logging.getLogger("tested").exception("It failed.")
    first, *rest = written.getvalue().splitlines()
    assert "It failed." in first
    assert all(line.startswith("    ") for line in rest)
    assert "ValueError" in written.getvalue()


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_message_is_bounded(log_format: str) -> None:
    with logged(log_format) as written:
        logging.getLogger("tested").info("%s", "x" * 1_000_000)
    assert len(written.getvalue()) < 2500


@pytest.mark.parametrize("log_format", FORMATS)
def test_the_address_of_a_request_that_failed_begins_no_line(log_format: str) -> None:
    with (
        logged(log_format) as written,
        patch("images.api.images.existing_image", side_effect=OperationalError("away\nforged")),
        patch("images.api.health._database_answers", side_effect=ValueError("\nforged")),
    ):
        assert Client().get(f"/api/images/{'0' * 32}").status_code == 503
        assert Client(raise_request_exception=False).get("/readyz", {"a": "\nforged"}).status_code == 500
    assert not any(line.startswith("forged") for line in written.getvalue().splitlines())
    assert "The database did not answer" in written.getvalue()


def test_a_json_line_names_the_request_and_the_ids_and_milliseconds_of_its_image() -> None:
    with logged("json") as written, on_behalf_of("the-request"):
        logging.getLogger("tested").info("Image done", extra={"job_id": "the-job", "decode_ms": 1.5})
    found: dict[str, Any] = json.loads(written.getvalue())
    assert found.pop("time").endswith("+00:00")
    assert found == {
        "level": "INFO",
        "logger": "tested",
        "message": "Image done",
        "job_id": "the-job",
        "decode_ms": 1.5,
        "request_id": "the-request",
    }


@pytest.mark.parametrize("sent", ["", "a b", "a\n", "\nb", "x" * 65, "é", '"', "a/b", "٣", None, 7])
def test_an_id_that_is_not_fit_for_a_log_is_ignored(sent: object) -> None:
    assert fit_request_id(sent) is None


@pytest.mark.parametrize("sent", ["a", "0f0c1d-4.5_6", "f" * 64])
def test_a_fit_id_is_used_unchanged(sent: str) -> None:
    assert fit_request_id(sent) == sent
