"""Django's storage over the local store: atomic, overwriting, and able to take a spooled file over without a copy."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

from archive.local import LocalStore
from images.errors import Refusal


class UploadStorage(Protocol):
    """What uploads and processing need of a storage, beside Django's own methods."""

    def take(self, spooled: Path, key: str) -> None:
        """Make the file at `spooled` the content of `key`. The spooled file stays until its owner removes it."""

    def open(self, key: str, mode: str = "rb") -> "File[bytes]": ...

    def delete(self, key: str) -> None: ...

    def url(self, key: str) -> str: ...

    def save(self, key: str, content: "File[bytes]") -> str: ...

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A context of a real file that becomes `key` when the block ends well."""


def storage() -> UploadStorage:
    """The configured storage."""
    return cast(UploadStorage, default_storage)


@contextmanager
def storage_answers() -> Iterator[None]:
    """Turns a storage that is full or away into the answer 503 `storage_unavailable`."""
    try:
        yield
    except OSError as error:
        raise Refusal("storage_unavailable") from error


class LocalStorage(FileSystemStorage):
    """Files below MEDIA_ROOT. A reader never sees half a file; saving under a taken name replaces like with like."""

    @property
    def store(self) -> LocalStore:
        return LocalStore(Path(self.location))

    def take(self, spooled: Path, key: str) -> None:
        self.store.link(spooled, key)

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        return self.store.writing(key)

    def delete(self, name: str) -> None:
        self.store.delete(name)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:  # noqa: ARG002
        return name

    def _save(self, name: str, content: "File[bytes]") -> str:
        with self.store.writing(name) as file:
            for chunk in content.chunks():
                file.write(chunk)
        return name


def sync_to_disk(file: BinaryIO) -> None:
    """Flush `file` down to the disk: an accepted file survives a power cut as well."""
    file.flush()
    os.fsync(file.fileno())
