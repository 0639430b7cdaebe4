"""The folder of the metric files that all processes of a site share: in memory (/dev/shm) if the machine has that.

prometheus-client's multiprocess mode maps these files into memory. If they were on a full disk, the kernel would kill a
process with SIGBUS when it writes its first value.
"""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  mkdtemp creates a private folder in it


def prepare_metrics_folder(folder: Path) -> None:
    """Create `folder`, empty: a link to a folder in /dev/shm, or an ordinary folder if there is no /dev/shm."""
    delete_metrics_folder(folder)
    try:
        # mkdtemp: accessible to this user alone, with an unpredictable name.
        in_memory = tempfile.mkdtemp(prefix="django-file-upload-", dir=_MEMORY)
    except OSError:
        folder.mkdir()
    else:
        folder.symlink_to(in_memory)


def delete_metrics_folder(folder: Path) -> None:
    """Delete the folder, or the link and its target. A killed run may have left either of them."""
    if folder.is_symlink():
        target = folder.readlink()
        # A target elsewhere was not created by this module.
        if target.parent == _MEMORY:
            shutil.rmtree(target, ignore_errors=True)
        folder.unlink()
    else:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
