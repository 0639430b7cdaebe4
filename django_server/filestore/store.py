"""The protocol that every store implements. The stores themselves are `local` and `s3`.

A store knows keys and bytes, not images. Every failure is an OSError: FileNotFoundError if a key does not exist,
another OSError if the store does not respond or denies access.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol


@dataclass(frozen=True)
class StoredFile:
    """The metadata of one file. `modified_ns`: the modification time in nanoseconds since the epoch.

    `etag`: S3's identifier of the content, without quotes; empty for other stores.
    """

    key: str
    byte_size: int
    modified_ns: int
    etag: str = ""

    @property
    def version(self) -> str:
        """An identifier of the content. It does not change until the file is written again."""
        return version_of(self.byte_size, self.modified_ns // 1000, self.etag)


def version_of(byte_size: int, modified_us: int, etag: str = "") -> str:
    """The identifier of a file's content. Compare identifiers for equality only; they have no order.

    For S3 it contains the etag and no time, because S3 gives times in milliseconds in a listing and in seconds
    elsewhere.
    """
    return f"etag:{etag}" if etag else f"{byte_size}@{modified_us}"


ListedFile = tuple[str, int, int, str]
"""Name within its folder, size in bytes, modification time in nanoseconds, etag.

A plain tuple, because listings have millions.
"""

OnUnlistable = Callable[[str, str], None]
"""Called with the key of a file or folder that can't be listed, and the reason as a sentence."""


class FolderFiles(NamedTuple):
    """Consecutive files of one folder in a listing. `folder`: its key, without a slash at its end."""

    folder: str
    files: list[ListedFile]


def stored_files(listings: Iterable[FolderFiles]) -> Iterator[StoredFile]:
    """Yield the files of all listings one by one, with their full keys."""
    for folder, files in listings:
        folder_prefix = f"{folder}/" if folder else ""
        for name, byte_size, modified_ns, etag in files:
            yield StoredFile(folder_prefix + name, byte_size, modified_ns, etag)


class Store(Protocol):
    """Stores files by key. A key is a relative path with `/` between its parts."""

    def list_by_folder(
        self, prefix: str = "", on_unlistable: OnUnlistable | None = None
    ) -> Iterator[FolderFiles]:
        """As `list`, grouped by folder. The same folder may be yielded more than once, with other folders in between.

        Files and folders that can't be listed are passed to `on_unlistable` and left out. Without `on_unlistable` an
        OSError is raised for them.
        """

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the folder `prefix`, in byte order of key, in bounded memory."""

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders directly below the folder `prefix`, in byte order."""

    def stat(self, key: str) -> StoredFile:
        """The metadata of the file. Raises FileNotFoundError."""

    def stat_many(self, keys: Iterable[str]) -> dict[str, StoredFile | None]:
        """The metadata of many files with one request, by key; None for a file that does not exist.

        A key that is missing from the result was not looked up: call `stat` for it.
        """

    def open(self, key: str) -> BinaryIO:
        """Open the file for reading. The result is seekable. Raises FileNotFoundError."""

    def fetch(self, key: str) -> tuple[StoredFile, BinaryIO]:
        """As `open`, but also returns the metadata of the opened content."""

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A context that yields a real file.

        If the block succeeds, it is stored atomically as `key`; else it is deleted.
        """

    def delete(self, key: str) -> bool:
        """Delete the file. True if it existed, or if the store can't report that."""

    def exists(self, key: str) -> bool: ...
