"""What every store can do, and what it tells of a file. The stores themselves are `local` and `s3`.

A store knows keys, never images. What goes wrong is an OSError whatever the store: FileNotFoundError for a key that
is not there, any other for a store that does not answer or refuses.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol


@dataclass(frozen=True)
class StoredFile:
    """One stored file: its key, size in bytes, modification time in nanoseconds since the epoch.

    `etag`: S3's name of the content, without its quotes; empty where the store has none.
    """

    key: str
    byte_size: int
    modified_ns: int
    etag: str = ""

    @property
    def version(self) -> str:
        """Names the bytes: equal as long as nobody has written the file anew."""
        return version_of(self.byte_size, self.modified_ns // 1000, self.etag)


def version_of(byte_size: int, modified_us: int, etag: str = "") -> str:
    """What names the bytes of a file of an archive. Compared for equality, never by clock.

    S3 dates a file to the millisecond in a listing and to the second elsewhere: there its etag names it.
    """
    return f"etag:{etag}" if etag else f"{byte_size}@{modified_us}"


ListedFile = tuple[str, int, int, str]
"""Name within its folder, size in bytes, modification time in nanoseconds, etag: a listing of millions, made cheap."""

OnUnlistable = Callable[[str, str], None]
"""Is told the key of a file or folder that can't be listed, and the reason as a sentence."""


class FolderFiles(NamedTuple):
    """Files of one folder that follow each other in a listing. `folder` is its key, without a slash at its end."""

    folder: str
    files: list[ListedFile]


def stored_files(listings: Iterable[FolderFiles]) -> Iterator[StoredFile]:
    """The files of the list_by_folder, one by one, by their whole keys."""
    for folder, files in listings:
        head = f"{folder}/" if folder else ""
        for name, byte_size, modified_ns, etag in files:
            yield StoredFile(head + name, byte_size, modified_ns, etag)


class Store(Protocol):
    """Files by key, a key being a relative path with `/` between its parts."""

    def list_by_folder(
        self, prefix: str = "", on_unlistable: OnUnlistable | None = None
    ) -> Iterator[FolderFiles]:
        """What `list` lists, folder by folder. A folder may come more than once, with others in between.

        What can't be listed is told to `on_unlistable` and left out; without that it raises.
        """

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the folder `prefix`, in byte order of key, in bounded memory."""

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders right below the folder `prefix`, in byte order."""

    def stat(self, key: str) -> StoredFile:
        """What is known of the file. Raises FileNotFoundError."""

    def stat_many(self, keys: Iterable[str]) -> dict[str, StoredFile | None]:
        """What one request tells of so many keys: the file, None where there is none.

        Keys that are not in it have to be asked for by `stat`.
        """

    def open(self, key: str) -> BinaryIO:
        """Open for reading; seekable. Raises FileNotFoundError."""

    def fetch(self, key: str) -> tuple[StoredFile, BinaryIO]:
        """As `open`, with what is known of the very bytes that are read."""

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A real file that becomes `key`, whole, when the block ends well, and leaves no trace when it does not."""

    def delete(self, key: str) -> bool:
        """Remove the file. True if it was there, or where the store can't tell."""

    def exists(self, key: str) -> bool: ...
