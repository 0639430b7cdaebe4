"""Stream the records of a manifest from its JSON document. No other module uses ijson.

Limits the depth and the size of a value, so that a hostile document can't exhaust the memory. The object
builder of ijson is not used, because it holds a path for each level: a million open brackets took all of 24 GB.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from pregen.errors import UnreadableManifest

_BLOCK_BYTES = 1 << 18
_MAX_LEVELS = 32  # a manifest has five
_MAX_VALUES = 1_000_000  # in one record, or in one other value of the top level
_RECORDS = "records"


def read(path: Path, on_top: Callable[[str, Any], None]) -> Iterator[Any]:
    """Yield each record of the array `records`. `on_top` gets the name and value of every other field of the top level.

    Raises UnreadableManifest if the file is missing, unreadable, truncated, not JSON or not an object.
    """
    try:
        with path.open("rb") as file:
            yield from _records(file, path, on_top)
    except OSError as failure:
        reason = (
            "There is no manifest" if isinstance(failure, FileNotFoundError) else "Can't read the manifest"
        )
        raise UnreadableManifest(f"{reason} {path}.") from failure


def _records(file: BinaryIO, path: Path, on_top: Callable[[str, Any], None]) -> Iterator[Any]:
    events = ijson.basic_parse(file, use_float=True, buf_size=_BLOCK_BYTES)
    try:
        if next(events, None) != ("start_map", None):
            raise UnreadableManifest(f"{path} is not a manifest: it is not a JSON object.")
        for event, name in events:
            if event == "end_map":
                break
            event, value = next(events)
            if name == _RECORDS and event == "start_array":
                for event, value in events:
                    if event == "end_array":
                        break
                    yield _value(event, value, events, path)
            else:
                on_top(name, _value(event, value, events, path))
        next(events, None)  # Raises JSONError if other data follows the document.
    except (ijson.JSONError, UnicodeDecodeError, StopIteration) as failure:
        raise UnreadableManifest(
            f"The manifest {path} is damaged or truncated. Scan again to write a new one."
        ) from failure


def _value(event: str, value: Any, events: Iterator[tuple[str, Any]], path: Path) -> Any:
    """Build the value that begins with this event, and consume its other events."""
    if event not in ("start_map", "start_array"):
        return value
    stack: list[Any] = [{} if event == "start_map" else []]
    names: list[str] = [""]
    for _ in range(_MAX_VALUES):
        event, value = next(events)
        if event == "map_key":
            names[-1] = value
            continue
        if event in ("end_map", "end_array"):
            finished = stack.pop()
            names.pop()
            if not stack:
                return finished
            continue
        if event in ("start_map", "start_array"):
            value = {} if event == "start_map" else []
        parent = stack[-1]
        if type(parent) is dict:
            parent[names[-1]] = value
        else:
            parent.append(value)
        if event in ("start_map", "start_array"):
            if len(stack) == _MAX_LEVELS:
                break
            stack.append(value)
            names.append("")
    raise UnreadableManifest(
        f"{path} is not a manifest: it contains a value that is nested too deep or too large."
    )
