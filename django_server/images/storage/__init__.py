"""The app's file storage: one interface over the local folder (`local`) and S3 (`s3`), chosen by the settings.

A *key* is the name of a file in the storage. `filestore` builds keys, and reads and writes files by key. This package
makes a Django storage of it. `url_signing` signs S3 URLs. The rest of the app reads and writes stored files only
through `storage()`.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from django.core.files import File
from django.core.files.storage import default_storage

from filestore.store import Store
from images.error_codes import ApiError


class ImageStorage(Protocol):
    """The methods of a storage that the app uses. Every failure is an OSError."""

    @property
    def signs_urls(self) -> bool:
        """Whether URLs are signed. Signed URLs change over time, expire, and have no `?v=` parameter."""

    # Whether `move_to_key` renames the file, which may run inside a transaction. Otherwise it sends the file over a
    # network, which must not run inside a transaction.
    moves_by_rename: bool

    @property
    def store(self) -> Store:
        """The same files through the interface of `filestore`: listed in byte order of key, with times and versions."""

    def check(self) -> None:
        """Raise OSError if the storage does not respond within a few seconds."""

    def store_spooled(self, files: Sequence[tuple[Path, str]]) -> None:
        """Store each spool file (an upload in INCOMING_ROOT) under its key. The caller deletes the spool files."""

    def move_to_key(self, path: Path, key: str) -> None:
        """Move the file at `path` to `key`, atomically and durably."""

    def local_copy(self, key: str) -> AbstractContextManager[Path]:
        """A context that yields a path with the content of `key`, valid in the block. Raises FileNotFoundError."""

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A context that yields a real file to write. It is stored under `key` if the block does not raise."""

    def open(self, key: str, mode: str = "rb") -> "File[bytes]": ...

    def delete(self, key: str) -> None: ...

    def url(self, key: str) -> str: ...

    def save(self, key: str, content: "File[bytes]") -> str: ...


def storage() -> ImageStorage:
    """The configured storage."""
    return cast(ImageStorage, default_storage)


@contextmanager
def storage_errors_as_api_error() -> Iterator[None]:
    """Convert an OSError in the block (the storage is full or unreachable) to ApiError `storage_unavailable` (503)."""
    try:
        yield
    except OSError as error:
        raise ApiError("storage_unavailable") from error


def sync_to_disk(file: BinaryIO) -> None:
    """Flush and fsync `file`, so that an accepted file survives a power failure."""
    file.flush()
    os.fsync(file.fileno())
