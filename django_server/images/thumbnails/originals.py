"""The bytes of an original, as a file to decode, with the version they had. Raises Refusal, never a library's error."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from images.errors import Refusal
from images.observability.timings import stage
from images.rows import ImageValues
from images.storage import storage
from images.thumbnail_rules import is_upload


@dataclass(frozen=True)
class Version:
    """What names an original's bytes, and how many they are."""

    name: str
    byte_size: int


def version_now(image: ImageValues) -> Version:
    """The version of the original in storage, to be read before its bytes are.

    An upload's bytes never change, and their checksum names them. Raises Refusal: not_found, storage_unavailable.
    """
    if is_upload(image["collection"]):
        return Version(image["source_version"], image["byte_size"])
    with _original():
        stored = storage().store.stat(image["key"])
    return Version(stored.version, stored.byte_size)


@contextmanager
def original_file(image: ImageValues) -> Iterator[Path]:
    """A path with the original's bytes. Raises as `version_now`; what the block raises passes through."""
    copying = storage().local_copy(image["key"])
    with stage("fetch"), _original():
        path = copying.__enter__()
    try:
        yield path
    finally:
        copying.__exit__(None, None, None)


@contextmanager
def _original() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise Refusal("not_found", "The original of this image is no longer there.") from error
    except OSError as error:
        raise Refusal("storage_unavailable") from error
