"""A store on a local file system: keys below a root folder, written atomically, listed in byte order of key.

Readers never see half a file: whatever is written has another name until it is whole and on the disk. Used below
the app's Django storage, and by whoever reads archives.
"""

import errno
import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from filestore.local_listing import PART_SUFFIX, is_folder, list_folders_below
from filestore.store import FolderFiles, OnUnlistable, StoredFile, stored_files


class LocalStore:
    """Files below `root`. A key is a relative path with `/` between its parts."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """The path of `key`. Raises ValueError for a key that would leave the root."""
        parts = key.split("/")
        if not key or "\0" in key or any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"{key!r} is not a key.")
        return self.root.joinpath(*parts)

    def open(self, key: str) -> BinaryIO:
        """Open for reading. Raises FileNotFoundError."""
        return self.path(key).open("rb")

    def fetch(self, key: str) -> tuple[StoredFile, BinaryIO]:
        """As `open`, with what is known of the very bytes that are read. Raises FileNotFoundError, for a folder too."""
        file = self.open(key)
        stat = os.fstat(file.fileno())
        return StoredFile(key, stat.st_size, stat.st_mtime_ns), file

    def stat_many(self, keys: Iterable[str]) -> dict[str, StoredFile | None]:  # noqa: ARG002  a stat is cheap
        """See `store.Store.stat_many`. Nothing: here each is asked for."""
        return {}

    def stat(self, key: str) -> StoredFile:
        """Raises FileNotFoundError, for a folder too."""
        stat = self.path(key).stat()
        if not S_ISREG(stat.st_mode):
            raise FileNotFoundError(errno.ENOENT, "There is no such file", key)
        return StoredFile(key, stat.st_size, stat.st_mtime_ns)

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """A file that becomes `key` when the block ends well, and leaves no trace when it does not.

        A second writer of the same key replaces the first one's file whole.
        """
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = _temporary_file(target.parent)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
                if part is None:
                    part = _give_name(file.fileno(), target)
            if part is not None:
                os.replace(part, target)
        except BaseException:
            if part is not None:
                with suppress(FileNotFoundError):
                    os.unlink(part)
            raise

    def link(self, source: Path, key: str) -> None:
        """Give the file at `source`, which lies on the same file system, the further name `key`; like replaces like."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.link(source, target)

    def adopt(self, path: Path, key: str) -> None:
        """Make the file at `path`, on the same file system, the file `key`, whose old file is replaced whole."""
        with path.open("rb") as file:
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)

    def delete(self, key: str) -> bool:
        """Remove the file. True if it was there."""
        try:
            self.path(key).unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the folder `prefix`, in byte order of key, holding no more than one folder's names."""
        return stored_files(self.list_by_folder(prefix))

    def list_by_folder(
        self, prefix: str = "", on_unlistable: OnUnlistable | None = None
    ) -> Iterator[FolderFiles]:
        """What `list` lists, folder by folder; see `store.Store.list_by_folder`."""
        return list_folders_below(self.path(prefix) if prefix else self.root, prefix, on_unlistable)

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders right below the folder `prefix`, in byte order."""
        try:
            entries = list(os.scandir(self.path(prefix) if prefix else self.root))
        except FileNotFoundError:
            return
        yield from sorted((entry.name for entry in entries if is_folder(entry)), key=os.fsencode)


def _temporary_file(folder: Path) -> tuple[int, str | None]:
    """A descriptor of a new file in `folder`, and its name if it needed one.

    Without a name the kernel removes it with its writer, however that ends. Not every file system can do that.
    """
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600), None
    except (AttributeError, OSError):
        return tempfile.mkstemp(dir=folder, prefix=".", suffix=PART_SUFFIX)


def _give_name(descriptor: int, target: Path) -> str | None:
    """Name the file `target`, or, where there is one already, something else that is returned.

    A new file has no other name at any moment, so a kill leaves nothing behind.
    """
    # With a folder's descriptor, which an absolute path makes no use of, Python calls linkat(2), which follows.
    nameless = f"/proc/self/fd/{descriptor}"
    with suppress(FileExistsError):
        os.link(nameless, target, src_dir_fd=descriptor, follow_symlinks=True)
        return None
    part = str(target.parent / f".{uuid.uuid4().hex}{PART_SUFFIX}")
    os.link(nameless, part, src_dir_fd=descriptor, follow_symlinks=True)
    return part
