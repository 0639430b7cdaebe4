"""The generated tables of docs/api.md equal those generated from the code, and its examples have the code's keys.

Needs no server.
"""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from images.api.schemas import ImageOut
from images.row_values import ImageValues
from images.serializers import image_json, notification_json, removed_json

SERVER_ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "manage.py").exists())
PAGE = SERVER_ROOT.parent / "docs" / "api.md"
MOMENT = datetime(2026, 1, 2, 12, 34, 56, tzinfo=UTC)
PENDING = ImageValues(
    id=UUID(int=1),
    batch_id=None,
    collection="uploads",
    name="a.jpg",
    key="attachments/uploads/originals/00/00/a.jpg",
    byte_size=1,
    media_type="image/jpeg",
    width=None,
    height=None,
    source_version="",
    status="pending",
    version=1,
    error_code="",
    error_message="",
    uploaded_at=MOMENT,
    finished_at=None,
    changed_at=MOMENT,
)


def test_the_page_has_the_tables_generated_from_the_code(tmp_path: Path) -> None:
    # A process of its own has the default settings, whatever this test run has set.
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data")}
    ran = subprocess.run(
        [sys.executable, "manage.py", "api_docs", "--check"],
        cwd=SERVER_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_table_changed_by_hand_is_found_and_written_again(tmp_path: Path) -> None:
    row, changed_row = "| `corrupt_image` | 422 |", "| `corrupt_image` | 400 |"
    page = tmp_path / "api.md"
    page.write_text(PAGE.read_text().replace(row, changed_row))
    with pytest.raises(CommandError, match="differs from the code"):
        call_command("api_docs", check=True, page=page)
    assert changed_row in page.read_text()
    call_command("api_docs", page=page)
    assert row in page.read_text()
    assert changed_row not in page.read_text()


def test_a_page_without_its_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "api.md"
    page.write_text(PAGE.read_text().replace("<!-- end of limits -->\n", ""))
    with pytest.raises(CommandError, match="limits"):
        call_command("api_docs", page=page)


def examples() -> list[dict[str, Any]]:
    """The JSON examples of the page that are one object."""
    blocks = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return [json.loads(block) for block in blocks]


def test_the_example_of_an_image_has_the_keys_of_an_image() -> None:
    image, *_ = examples()
    assert list(image) == list(image_json(PENDING, {})) == list(ImageOut.model_fields)


def test_the_example_of_an_event_has_the_keys_of_an_event() -> None:
    by_type = {example["type"]: example for example in examples()[1:]}
    assert list(by_type["send_upload_notification"]) == list(notification_json(PENDING, {}))
    assert list(by_type["removed"]) == list(removed_json(PENDING["id"], 2))
