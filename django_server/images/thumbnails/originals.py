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
class Version:
    """The version of an original (`name` identifies its bytes), and the number of its bytes."""

    name: str
    byte_size: int


def current_version(image: ImageValues) -> Version:
    """The version of the original in storage. Call it before reading the bytes.

    An upload's bytes never change: its version is their checksum, taken from the row. Raises ApiError: not_found,
    storage_unavailable.
    """
    if is_upload(image["collection"]):
        return Version(image["source_version"], image["byte_size"])
    with _read_errors_as_api_error():
        stored = storage().store.stat(image["key"])
    return Version(stored.version, stored.byte_size)


@contextmanager
def original_file(image: ImageValues) -> Iterator[Path]:
    """A path with the original's bytes. Raises the same as `current_version`, and the block's exceptions unchanged."""
    copying = storage().local_copy(image["key"])
    with stage("fetch"), _read_errors_as_api_error():
        path = copying.__enter__()
    try:
        yield path
    finally:
        copying.__exit__(None, None, None)


@contextmanager
def _read_errors_as_api_error() -> Iterator[None]:
    """Convert storage errors in the block to ApiError."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise ApiError("not_found", "The original of this image is no longer there.") from error
    except OSError as error:
        raise ApiError("storage_unavailable") from error
