"""Read originals: the current version, and the bytes as a file to decode. Storage errors are converted to ApiError."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from images.error_codes import ApiError
from images.observability.timings import stage
from images.row_values import ImageValues
from images.storage import storage
from images.thumbnail_rules import is_upload


@dataclass(frozen=True)
class OriginalVersion:
    """The version of an original, which identifies its content, and its size in bytes."""

    source_version: str
    byte_size: int


def current_version(image: ImageValues) -> OriginalVersion:
    """The version of the original in storage. Call it before reading the bytes.

    The content of an upload never changes: its version is the checksum in its row. Raises ApiError: not_found,
    storage_unavailable.
    """
    if is_upload(image["collection"]):
        return OriginalVersion(image["source_version"], image["byte_size"])
    with _read_errors_as_api_error():
        stored = storage().store.stat(image["key"])
    return OriginalVersion(stored.version, stored.byte_size)


@contextmanager
def original_file(image: ImageValues) -> Iterator[Path]:
    """A path with the original's bytes. Raises as `current_version` does. The block's exceptions are not converted."""
    local_copy = storage().local_copy(image["key"])
    with stage("fetch"), _read_errors_as_api_error():
        path = local_copy.__enter__()
    try:
        yield path
    finally:
        local_copy.__exit__(None, None, None)


@contextmanager
def _read_errors_as_api_error() -> Iterator[None]:
    """Convert storage errors in the block to ApiError."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise ApiError("not_found", "The original of this image is no longer there.") from error
    except OSError as error:
        raise ApiError("storage_unavailable") from error
