"""A store on a local file system: keys below a root folder, atomic writes, listings in byte order of key.

Readers never see a partial file: a file gets its name when it is complete and on disk. Used by the app's Django
storage and by pregen.
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
        """The path of `key`. Raises ValueError for a key that leads out of the root."""
        parts = key.split("/")
        if not key or "\0" in key or any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"{key!r} is not a key.")
        return self.root.joinpath(*parts)

    def open(self, key: str) -> BinaryIO:
        """Open for reading. Raises FileNotFoundError."""
        return self.path(key).open("rb")

    def fetch(self, key: str) -> tuple[StoredFile, BinaryIO]:
        """As `open`, with the metadata of the bytes that are read. Raises FileNotFoundError, also for a folder."""
        file = self.open(key)
        stat = os.fstat(file.fileno())
        return StoredFile(key, stat.st_size, stat.st_mtime_ns), file

    def stat_many(self, keys: Iterable[str]) -> dict[str, StoredFile | None]:  # noqa: ARG002  a stat is cheap
        """See `store.Store.stat_many`. Always empty: a stat for each file is as cheap."""
        return {}

    def stat(self, key: str) -> StoredFile:
        """Raises FileNotFoundError, also for a folder."""
        stat = self.path(key).stat()
        if not S_ISREG(stat.st_mode):
            raise FileNotFoundError(errno.ENOENT, "There is no such file", key)
        return StoredFile(key, stat.st_size, stat.st_mtime_ns)

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """A new file that becomes `key` when the block succeeds and is dropped when it raises.

        An existing file is replaced atomically.
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
        """Hard-link `source`, on the same file system, as `key`. An existing file stays: it has the same content."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.link(source, target)

    def adopt(self, path: Path, key: str) -> None:
        """Move the file at `path`, on the same file system, to `key`, replacing an existing file atomically."""
        with path.open("rb") as file:
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)

    def delete(self, key: str) -> bool:
        """Delete the file. True if it existed."""
        try:
            self.path(key).unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the folder `prefix`, in byte order of key. Memory: the names of one folder."""
        return stored_files(self.list_by_folder(prefix))

    def list_by_folder(
        self, prefix: str = "", on_unlistable: OnUnlistable | None = None
    ) -> Iterator[FolderFiles]:
        """As `list`, folder by folder; see `store.Store.list_by_folder`."""
        return list_folders_below(self.path(prefix) if prefix else self.root, prefix, on_unlistable)

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders directly below the folder `prefix`, in byte order."""
        try:
            entries = list(os.scandir(self.path(prefix) if prefix else self.root))
        except FileNotFoundError:
            return
        yield from sorted((entry.name for entry in entries if is_folder(entry)), key=os.fsencode)


def _temporary_file(folder: Path) -> tuple[int, str | None]:
    """Create a file in `folder`. Returns its descriptor, and its name or None if it is nameless.

    The kernel deletes a nameless file when its writer ends for any reason. Not every file system supports them.
    """
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600), None
    except (AttributeError, OSError):
        return tempfile.mkstemp(dir=folder, prefix=".", suffix=PART_SUFFIX)


def _give_name(descriptor: int, target: Path) -> str | None:
    """Link the nameless file as `target`. If `target` exists, link it under a temporary name and return that.

    A new file never has another name, so a kill leaves nothing behind.
    """
    # With a folder descriptor (unused for an absolute path) Python calls linkat(2), which follows the link.
    nameless = f"/proc/self/fd/{descriptor}"
    with suppress(FileExistsError):
        os.link(nameless, target, src_dir_fd=descriptor, follow_symlinks=True)
        return None
    part = str(target.parent / f".{uuid.uuid4().hex}{PART_SUFFIX}")
    os.link(nameless, part, src_dir_fd=descriptor, follow_symlinks=True)
    return part
