"""The folder of the metric files that all processes of a site share: in memory (/dev/shm) where the machine has that.

prometheus-client's multiprocess mode maps these files into memory. On a full disk the kernel would kill a process with
SIGBUS when it writes its first value.
"""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  mkdtemp makes what is used


def prepare_metrics_folder(folder: Path) -> None:
    """Create `folder` empty: as a link to a folder in /dev/shm, or as an ordinary folder where there is no /dev/shm."""
    delete_metrics_folder(folder)
    try:
        # mkdtemp: accessible to this user alone, with an unpredictable name.
        in_memory = tempfile.mkdtemp(prefix="django-file-upload-", dir=_MEMORY)
    except OSError:
        folder.mkdir()
    else:
        folder.symlink_to(in_memory)


def delete_metrics_folder(folder: Path) -> None:
    """Delete the folder or the link with its target, also those of a run that was killed."""
    if folder.is_symlink():
        target = folder.readlink()
        # Another target was not created here.
        if target.parent == _MEMORY:
            shutil.rmtree(target, ignore_errors=True)
        folder.unlink()
    else:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
