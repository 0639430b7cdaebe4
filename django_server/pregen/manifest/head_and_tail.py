"""Read the start and the end of a manifest without its records, because a manifest can be gigabytes long.

Works only if the manifest is indented by two spaces, as pregen writes it. For any other layout the caller must read the
whole file. A JSON string can't contain a line break, so text at the start of a line is never part of a string.
"""

import json
import os
from pathlib import Path
from typing import Any

_OPENING = b'\n  "records": ['
_CLOSING = b"\n    }\n  ]"  # the end of the last record and of the list
_HEAD_BYTES = 16 << 20  # enough for thousands of collections
_TAIL_BYTES = 4_096
_MAX_BRACKETS = 100_000  # limits the depth of nesting; a collection has four brackets


def read_without_records(path: Path) -> dict[str, Any] | None:
    """The top level of the manifest without its records.

    Returns None if the file is missing or damaged, or has another layout.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            file.seek(-min(_TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
            tail = file.read(_TAIL_BYTES)
    except OSError:
        return None
    start, end = head.find(_OPENING), tail.rfind(_CLOSING)
    if start < 0 or end < 0 or head.count(b"{", 0, start) + head.count(b"[", 0, start) > _MAX_BRACKETS:
        return None
    try:
        top = json.loads(head[: start + len(_OPENING)] + tail[end + len(_CLOSING) - 1 :])
    except (ValueError, RecursionError):
        return None
    return top if isinstance(top, dict) else None
