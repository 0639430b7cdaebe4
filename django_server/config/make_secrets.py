"""`python -m config.make_secrets FOLDER`: writes the secrets of an installation to files before other services start.

A secret that the environment sets is written to its file; any other is generated once and kept. Run by the service
`secrets` of docker-compose.yml; needs no settings. The files are readable by the container's user and group.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from config.secret_files import read_or_create_secret, write_secret

DATABASE_USER = "admin"


def make_secrets(folder: Path, environment: Mapping[str, str]) -> None:
    """Write `secret_key`, `database_password`, and `pgbouncer_users`, which contains the password."""
    _secret(folder / "secret_key", environment.get("SECRET_KEY", ""))
    password = _secret(folder / "database_password", environment.get("POSTGRES_PASSWORD", ""))
    quoted = password.replace('"', '""')
    write_secret(folder / "pgbouncer_users", f'"{DATABASE_USER}" "{quoted}"\n')


def _secret(path: Path, given: str) -> str:
    if given:
        write_secret(path, given)
    secret = read_or_create_secret(path)
    path.chmod(0o440)
    return secret


if __name__ == "__main__":
    make_secrets(Path(sys.argv[1]), os.environ)
