"""Where the app's files live: one face over the local folder (`local`) and S3 (`s3`), chosen by the settings.

`archive` names the files and moves them; this package makes a Django storage of it. `signing` makes S3's URLs.
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
    """What the app needs of a storage, beside Django's own methods. Every failure is an OSError."""

    @property
    def signs_urls(self) -> bool:
        """Whether its URLs carry a signature: they change by themselves, end after a while, and take no `?v=`."""

    # `place` renames, which may stand inside a transaction; else it sends bytes over a network.
    places_by_rename: bool

    @property
    def store(self) -> Store:
        """The same files as `archive` sees them: listed in order, and dated."""

    def ask(self) -> None:
        """Raise the OSError of a storage that does not answer now, within a few seconds."""

    def take(self, files: Sequence[tuple[Path, str]]) -> None:
        """Make each spooled file the content of its key. The spooled files stay until their owner removes them."""

    def place(self, path: Path, key: str) -> None:
        """Make the file at `path`, which is given up, the content of `key`, whole and on the disk."""

    def local_copy(self, key: str) -> AbstractContextManager[Path]:
        """A path with the content of `key`, to be read within the block. Raises FileNotFoundError."""

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A context of a real file that becomes `key` when the block ends well."""

    def open(self, key: str, mode: str = "rb") -> "File[bytes]": ...

    def delete(self, key: str) -> None: ...

    def url(self, key: str) -> str: ...

    def save(self, key: str, content: "File[bytes]") -> str: ...


def storage() -> ImageStorage:
    """The configured storage."""
    return cast(ImageStorage, default_storage)


@contextmanager
def storage_answers() -> Iterator[None]:
    """Turns a storage that is full or away into the answer 503 `storage_unavailable`."""
    try:
        yield
    except OSError as error:
        raise Refusal("storage_unavailable") from error


def sync_to_disk(file: BinaryIO) -> None:
    """Flush `file` down to the disk: an accepted file survives a power cut as well."""
    file.flush()
    os.fsync(file.fileno())
