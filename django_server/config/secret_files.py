"""Secrets in files: made once where none was given, then read."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def stored_secret(path: Path) -> str:
    """The secret in the file at `path`, made now if there is none. Several processes may start at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.touch(mode=0o600)
        part.write_text(get_random_secret_key())
        try:
            # A link fails where the name exists: the first process wins and nobody reads half a secret.
            os.link(part, path)
        finally:
            part.unlink()
    return path.read_text()


def keep_secret(path: Path, secret: str) -> None:
    """Make `secret` the content of the file, whole, for its owner and group to read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False) as part:
        part.write(secret)
    os.chmod(part.name, 0o440)
    os.replace(part.name, path)
