"""Where a site's processes leave what they count: in memory, where the machine has a file system there.

They map these files (prometheus-client's multiprocess mode): on a disk without room the kernel would kill, by SIGBUS,
who counts something for the first time.
"""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  mkdtemp makes what is used


def prepare_metrics_folder(folder: Path) -> None:
    """Makes `folder` empty: a link to a folder in memory, or an ordinary one where there is no such place."""
    leave_metrics_folder(folder)
    try:
        # This user's alone, under a name that nobody could know beforehand.
        in_memory = tempfile.mkdtemp(prefix="django-file-upload-", dir=_MEMORY)
    except OSError:
        folder.mkdir()
    else:
        folder.symlink_to(in_memory)


def leave_metrics_folder(folder: Path) -> None:
    """Removes it, whichever it is; also what a killed run left."""
    if folder.is_symlink():
        target = folder.readlink()
        # What else a link might lead to is not ours.
        if target.parent == _MEMORY:
            shutil.rmtree(target, ignore_errors=True)
        folder.unlink()
    else:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
