"""Reading originals: their current version, and their bytes as a file to decode. Storage errors become Refusals."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from images.errors import Refusal
from images.observability.timings import stage
from images.row_values import ImageValues
from images.storage import storage
from images.thumbnail_rules import is_upload


@dataclass(frozen=True)
class Version:
    """The source version, which identifies an original's bytes, and their number."""

    name: str
    byte_size: int


def current_version(image: ImageValues) -> Version:
    """The version of the original in storage. Read it before the bytes.

    An upload's bytes never change: its version is their checksum. Raises Refusal: not_found, storage_unavailable.
    """
    if is_upload(image["collection"]):
        return Version(image["source_version"], image["byte_size"])
    with _refusing_errors():
        stored = storage().store.stat(image["key"])
    return Version(stored.version, stored.byte_size)


@contextmanager
def original_file(image: ImageValues) -> Iterator[Path]:
    """A path with the original's bytes. Raises as `current_version`; exceptions of the block pass through."""
    copying = storage().local_copy(image["key"])
    with stage("fetch"), _refusing_errors():
        path = copying.__enter__()
    try:
        yield path
    finally:
        copying.__exit__(None, None, None)


@contextmanager
def _refusing_errors() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise Refusal("not_found", "The original of this image is no longer there.") from error
    except OSError as error:
        raise Refusal("storage_unavailable") from error
