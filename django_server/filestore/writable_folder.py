"""Whether a folder of a setting can be written, and the sentence for the operator if it can't.

Called at start by the settings, the system checks and `manage.py serve`.
"""

import errno
import os
import tempfile
from pathlib import Path
from stat import S_ISDIR

# An empty file may still be created on a full file system.
_TRIAL_BYTES = 4096
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM)


class UnusableFolder(Exception):
    """The folder of a setting can't be created or written. The message is a sentence for the operator."""


def require_writable(setting: str, folder: Path) -> None:
    """Create the folder if it does not exist, and write 4 KiB into a temporary file. Raises UnusableFolder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_TRIAL_BYTES))
    except OSError as error:
        raise UnusableFolder(folder_sentence(setting, folder, error)) from error


def folder_sentence(setting: str, folder: Path, error: OSError) -> str:
    """Why `folder`, the value of `setting`, can't be used, and what to do. `error`: for the folder or a file in it."""
    existing = _nearest_existing(folder)
    if not S_ISDIR(existing.stat().st_mode):
        return f"{setting} is {folder}, but {existing} is a file: set {setting} to a folder."
    if error.errno == errno.EROFS:
        return f"{setting} is {folder}, on a file system that is read-only: set {setting} to another folder."
    if error.errno in _FULL:
        return (
            f"{setting} is {folder}, and there is no room on its disk: free some space, or set {setting} to a folder "
            "on another disk."
        )
    if error.errno in _FORBIDDEN:
        if error.filename:
            existing = _nearest_existing(Path(os.fsdecode(error.filename)))
        return (
            f"{setting} is {folder}, which the user {_user_name(os.geteuid())} may not write: {existing} belongs to "
            f"{_user_name(existing.stat().st_uid)}. Set {setting} to a folder of your own, or change its owner or "
            "permissions."
        )
    return f"{setting} is {folder}, which can't be used: {error.strerror or error}."


def _nearest_existing(folder: Path) -> Path:
    for path in (folder, *folder.parents):
        try:
            path.stat()
        except OSError:
            continue
        return path
    return Path("/")


def _user_name(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):  # not a POSIX system, or a user without an entry, as in containers
        return str(uid)
