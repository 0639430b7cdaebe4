"""The protocol that every store implements. The stores themselves are `local` and `s3`.

A store knows keys, never images. Every failure is an OSError: FileNotFoundError for a missing key, another one for a
store that does not respond or denies access.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol


@dataclass(frozen=True)
class StoredFile:
    """The metadata of one file: its key, size in bytes, modification time in nanoseconds since the epoch.

    `etag`: S3's identifier of the content, without quotes; empty for other stores.
    """

    key: str
    byte_size: int
    modified_ns: int
    etag: str = ""

    @property
    def version(self) -> str:
        """Identifies the content: equal until the file is written again."""
        return version_of(self.byte_size, self.modified_ns // 1000, self.etag)


def version_of(byte_size: int, modified_us: int, etag: str = "") -> str:
    """The identifier of a file's content. Compare it for equality, never by time.

    S3 gives times in milliseconds in a listing and in seconds elsewhere: the etag identifies the content there.
    """
    return f"etag:{etag}" if etag else f"{byte_size}@{modified_us}"


ListedFile = tuple[str, int, int, str]
"""Name within its folder, size in bytes, modification time in nanoseconds, etag. A tuple, for listings of millions."""

OnUnlistable = Callable[[str, str], None]
"""Called with the key of a file or folder that can't be listed, and the reason as a sentence."""


class FolderFiles(NamedTuple):
    """Consecutive files of one folder in a listing. `folder`: its key, without a slash at its end."""

    folder: str
    files: list[ListedFile]


def stored_files(listings: Iterable[FolderFiles]) -> Iterator[StoredFile]:
    """The files of the listings, one by one, with their whole keys."""
    for folder, files in listings:
        head = f"{folder}/" if folder else ""
        for name, byte_size, modified_ns, etag in files:
            yield StoredFile(head + name, byte_size, modified_ns, etag)


class Store(Protocol):
    """Files by key. A key is a relative path with `/` between its parts."""

    def list_by_folder(
        self, prefix: str = "", on_unlistable: OnUnlistable | None = None
    ) -> Iterator[FolderFiles]:
        """As `list`, folder by folder. A folder may come more than once, with others in between.

        Files and folders that can't be listed are passed to `on_unlistable` and left out; without it they raise.
        """

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the folder `prefix`, in byte order of key, in bounded memory."""

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders directly below the folder `prefix`, in byte order."""

    def stat(self, key: str) -> StoredFile:
        """The metadata of the file. Raises FileNotFoundError."""

    def stat_many(self, keys: Iterable[str]) -> dict[str, StoredFile | None]:
        """The metadata of many files with one request: None for a missing file.

        Keys that are not in the result are unknown: call `stat` for them.
        """

    def open(self, key: str) -> BinaryIO:
        """Open for reading; seekable. Raises FileNotFoundError."""

    def fetch(self, key: str) -> tuple[StoredFile, BinaryIO]:
        """As `open`, with the metadata of the bytes that are read."""

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A real file that becomes `key` atomically when the block succeeds, and is dropped when it raises."""

    def delete(self, key: str) -> bool:
        """Delete the file. True if it existed, or if the store can't report that."""

    def exists(self, key: str) -> bool: ...
