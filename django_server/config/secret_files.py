"""Secrets in files. A missing secret is generated at its first use."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def read_or_create_secret(path: Path) -> str:
    """The secret in the file at `path`, generated if the file does not exist. Several processes may call it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_text(get_random_secret_key())
        try:
            # A link fails if the name exists, so all processes read the secret of the first one. The linked file is
            # complete, so no process reads half a secret.
            os.link(temporary, path)
        finally:
            temporary.unlink()
    return path.read_text()


def write_secret(path: Path, secret: str, mode: int) -> None:
    """Write `secret` to the file atomically, with these permissions."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False) as temporary:
        temporary.write(secret)
    os.chmod(temporary.name, mode)
    os.replace(temporary.name, path)
