"""The app's file storage: one interface over the local folder (`local`) and S3 (`s3`), chosen by the settings.

`filestore` names and moves the files; this package makes a Django storage of it. `url_signing` signs S3 URLs. The rest
of the app reads and writes files only through `storage()`.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from django.core.files import File
from django.core.files.storage import default_storage

from filestore.store import Store
from images.errors import Refusal


class ImageStorage(Protocol):
    """The methods that the app uses beside Django's own. Every failure is an OSError."""

    @property
    def signs_urls(self) -> bool:
        """Whether URLs are signed: they change over time, expire, and take no `?v=`."""

    # Whether `move_to_key` is a rename, which may run inside a transaction; else it sends bytes over a network.
    moves_by_rename: bool

    @property
    def store(self) -> Store:
        """The same files as `filestore` sees them: listed in byte order of key, with times and versions."""

    def check(self) -> None:
        """Raise OSError if the storage does not respond within a few seconds."""

    def store_spooled(self, files: Sequence[tuple[Path, str]]) -> None:
        """Store each spooled file under its key. The spooled files stay until their owner deletes them."""

    def move_to_key(self, path: Path, key: str) -> None:
        """Move the file at `path` to `key`, atomically and durably."""

    def local_copy(self, key: str) -> AbstractContextManager[Path]:
        """A path with the content of `key`, to be read within the block. Raises FileNotFoundError."""

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A context of a real file that is stored under `key` if the block does not raise."""

    def open(self, key: str, mode: str = "rb") -> "File[bytes]": ...

    def delete(self, key: str) -> None: ...

    def url(self, key: str) -> str: ...

    def save(self, key: str, content: "File[bytes]") -> str: ...


def storage() -> ImageStorage:
    """The configured storage."""
    return cast(ImageStorage, default_storage)


@contextmanager
def refusing_storage_errors() -> Iterator[None]:
    """Raise Refusal `storage_unavailable` (503) for an OSError of the block: the storage is full or unreachable."""
    try:
        yield
    except OSError as error:
        raise Refusal("storage_unavailable") from error


def sync_to_disk(file: BinaryIO) -> None:
    """Flush and fsync `file`, so that an accepted file survives a power failure."""
    file.flush()
    os.fsync(file.fileno())
