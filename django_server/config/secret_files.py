"""Secrets in files: generated on first use, then read."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def read_or_create_secret(path: Path) -> str:
    """The secret in the file at `path`, generated if the file does not exist. Safe with several processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.touch(mode=0o600)
        part.write_text(get_random_secret_key())
        try:
            # A link fails if the name exists: the first process wins, and no process reads half a secret.
            os.link(part, path)
        finally:
            part.unlink()
    return path.read_text()


def write_secret(path: Path, secret: str) -> None:
    """Write `secret` to the file atomically, with mode 0440."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False) as part:
        part.write(secret)
    os.chmod(part.name, 0o440)
    os.replace(part.name, path)
