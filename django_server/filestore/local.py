"""A store on a local file system: keys below a root folder, atomic writes, listings in byte order of key.

Readers never see a partial file: `writing` and `move_to_key` sync the content to disk before the file gets its name.
Used by the app's Django storage and by pregen.
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
    """The files below the folder `root`. A key is the path of a file relative to `root`, with `/` between its parts."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """The path of `key`. Raises ValueError for an invalid key, such as one with a part `..`."""
        parts = key.split("/")
        if not key or "\0" in key or any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"{key!r} is not a key.")
        return self.root.joinpath(*parts)

    def open(self, key: str) -> BinaryIO:
        """Open the file for reading. Raises FileNotFoundError, or IsADirectoryError for a folder."""
        return self.path(key).open("rb")

    def fetch(self, key: str) -> tuple[StoredFile, BinaryIO]:
        """As `open`, but also returns the metadata of the opened file. Raises as `open` does."""
        file = self.open(key)
        stat = os.fstat(file.fileno())
        return StoredFile(key, stat.st_size, stat.st_mtime_ns), file

    def stat_many(self, keys: Iterable[str]) -> dict[str, StoredFile | None]:  # noqa: ARG002  a stat is cheap
        """Returns {}: for a local store nothing is cheaper than `stat` for each key, which the caller then calls."""
        return {}

    def stat(self, key: str) -> StoredFile:
        """The metadata of the file. Raises FileNotFoundError, also if `key` is a folder."""
        stat = self.path(key).stat()
        if not S_ISREG(stat.st_mode):
            raise FileNotFoundError(errno.ENOENT, "There is no such file", key)
        return StoredFile(key, stat.st_size, stat.st_mtime_ns)

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """Yields a new file. If the block succeeds, the file is stored as `key`; if it raises, the file is deleted.

        If `key` already has a file, that file is replaced atomically.
        """
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = _temporary_file(target.parent)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
                if temporary is None:
                    temporary = _link_nameless(file.fileno(), target)
            if temporary is not None:
                os.replace(temporary, target)
        except BaseException:
            if temporary is not None:
                with suppress(FileNotFoundError):
                    os.unlink(temporary)
            raise

    def link(self, source: Path, key: str) -> None:
        """Hard-link `source`, which must be on the same file system, as `key`.

        If `key` exists, it is left as it is: the caller guarantees that a key always has the same content.
        """
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.link(source, target)

    def move_to_key(self, path: Path, key: str) -> None:
        """Move the file at `path`, which must be on the same file system, to `key`.

        Replaces an existing file atomically.
        """
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
        """Every file below the folder `prefix`, in byte order of key. Keeps the names of only one folder in memory."""
        return stored_files(self.list_by_folder(prefix))

    def list_by_folder(
        self, prefix: str = "", on_unlistable: OnUnlistable | None = None
    ) -> Iterator[FolderFiles]:
        """As `list`, grouped by folder; see `store.Store.list_by_folder`."""
        return list_folders_below(self.path(prefix) if prefix else self.root, prefix, on_unlistable)

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders directly below the folder `prefix`, in byte order."""
        try:
            entries = list(os.scandir(self.path(prefix) if prefix else self.root))
        except FileNotFoundError:
            return
        yield from sorted((entry.name for entry in entries if is_folder(entry)), key=os.fsencode)


def _temporary_file(folder: Path) -> tuple[int, str | None]:
    """Create a file in `folder`. Returns its descriptor, and its path or None if the file is nameless.

    The kernel deletes a nameless file when the process that writes it ends for any reason. Not every file system
    supports nameless files.
    """
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600), None
    except (AttributeError, OSError):
        return tempfile.mkstemp(dir=folder, prefix=".", suffix=PART_SUFFIX)


def _link_nameless(descriptor: int, target: Path) -> str | None:
    """Link the nameless file as `target` and return None, or return a temporary path if `target` exists.

    The caller renames the temporary path to `target`, because a link cannot replace a file. If `target` is new, the
    file never has a temporary name, so a killed process leaves no temporary file.
    """
    # `src_dir_fd` only makes Python call linkat(2), which can follow the /proc link; link(2) would not. Its value is
    # ignored, because the path is absolute.
    proc_link = f"/proc/self/fd/{descriptor}"
    with suppress(FileExistsError):
        os.link(proc_link, target, src_dir_fd=descriptor, follow_symlinks=True)
        return None
    temporary = str(target.parent / f".{uuid.uuid4().hex}{PART_SUFFIX}")
    os.link(proc_link, temporary, src_dir_fd=descriptor, follow_symlinks=True)
    return temporary
