"""Listing a tree of folders in byte order of key, cheaply: 5 microseconds a file. Used by `local` alone.

Owns what counts as a file. Nothing but names, sizes and times is looked at; links to folders are not followed.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from filestore.keys import is_text
from filestore.store import Listed, Run, Told

# A name no key has: keys end in an extension, and a listing leaves these out.
PART_SUFFIX = ".part~"
_NO_TEXT = "Its name is not valid UTF-8."
_UNREADABLE = "It can't be read: {}."

_Piece = Run | tuple[str, str]  # files, or the path and the key of a folder


def runs_below(root: Path, prefix: str, unlistable: Told | None) -> Iterator[Run]:
    """The files below `root`, whose key is `prefix`, in byte order of key. A root that is not there has none.

    Without `unlistable` an unreadable folder raises OSError, and a name that is no text is listed as Python has it.
    """
    # Not recursive: folders may be nested deeper than Python's calls.
    levels = [iter(_pieces(str(root), prefix, unlistable))]
    while levels:
        piece = next(levels[-1], None)
        if piece is None:
            levels.pop()
        elif isinstance(piece, Run):
            yield piece
        else:
            pieces = _pieces(*piece, unlistable)
            if len(pieces) == 1 and isinstance(pieces[0], Run):
                yield pieces[0]
            else:
                levels.append(iter(pieces))


def is_folder(entry: os.DirEntry[str]) -> bool:
    # Links are not followed: one that points upwards would list for ever.
    return entry.is_dir(follow_symlinks=False)


def _pieces(path: str, key: str, unlistable: Told | None) -> list[_Piece]:
    """What is in one folder, in byte order of key."""
    head = f"{key}/" if key else ""
    files: list[Listed] = []
    folders: list[str] = []
    regular = stat.S_IFREG
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                    continue
                try:
                    found = entry.stat()
                except OSError as failure:
                    _tell(head + name, failure, unlistable)
                    continue
                # A pipe would keep its reader waiting for ever.
                if stat.S_IFMT(found.st_mode) == regular and not name.endswith(PART_SUFFIX):
                    files.append((name, found.st_size, found.st_mtime_ns, ""))
    except OSError as failure:
        _tell(key, failure, unlistable)
        return []
    files, folders = _in_order(files, folders, head, unlistable)
    if not folders:
        return [Run(key, files)] if files else []
    return _interleaved(files, folders, path, key)


def _tell(key: str, failure: OSError, unlistable: Told | None) -> None:
    """What vanished meanwhile, or is a link to nothing, is no news."""
    if isinstance(failure, FileNotFoundError):
        return
    if unlistable is None:
        raise failure
    unlistable(key, _UNREADABLE.format(failure.strerror))


def _in_order(
    files: list[Listed], folders: list[str], head: str, unlistable: Told | None
) -> tuple[list[Listed], list[str]]:
    """Sorted by bytes: as text is sorted anyway, where all names are text."""
    files.sort()
    if folders:
        folders.sort(key=lambda name: f"{name}/")
    try:
        "".join([*[file[0] for file in files], *folders]).encode()
    except UnicodeEncodeError:
        if unlistable is None:
            files.sort(key=lambda file: os.fsencode(file[0]))
            folders.sort(key=lambda name: os.fsencode(f"{name}/"))
        else:
            for name in [*(file[0] for file in files), *folders]:
                if not is_text(name):
                    unlistable(head + name, _NO_TEXT)
            files = [file for file in files if is_text(file[0])]
            folders = [name for name in folders if is_text(name)]
    return files, folders


def _interleaved(files: list[Listed], folders: list[str], path: str, key: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    done = 0
    for folder in folders:
        # A folder sorts as `name/`: the byte order of the keys below it, not of its bare name.
        place = os.fsencode(f"{folder}/")
        end = done
        while end < len(files) and os.fsencode(files[end][0]) < place:
            end += 1
        if end > done:
            pieces.append(Run(key, files[done:end]))
        pieces.append((f"{path}/{folder}", f"{key}/{folder}" if key else folder))
        done = end
    if done < len(files):
        pieces.append(Run(key, files[done:]))
    return pieces
