"""`python -m config.make_secrets FOLDER`: writes the secrets of an installation to files before other services start.

A secret that is set in the environment is written to its file. A secret that is not set is generated once and kept. The
service `secrets` of docker-compose.yml runs it. It needs no settings. The database and the pool read the password as
members of the container's group; Django's key is readable for the container's user only.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from config.secret_files import read_or_create_secret, write_secret

DATABASE_USER = "admin"


def make_secrets(folder: Path, environment: Mapping[str, str]) -> None:
    """Write the files `secret_key`, `database_password` and `pgbouncer_users`, which contains the password too."""
    _secret(folder / "secret_key", environment.get("SECRET_KEY", ""), 0o400)
    password = _secret(folder / "database_password", environment.get("POSTGRES_PASSWORD", ""), 0o440)
    quoted = password.replace('"', '""')
    write_secret(folder / "pgbouncer_users", f'"{DATABASE_USER}" "{quoted}"\n', 0o440)


def _secret(path: Path, given: str, mode: int) -> str:
    if given:
        write_secret(path, given, mode)
    secret = read_or_create_secret(path)
    path.chmod(mode)
    return secret


if __name__ == "__main__":
    make_secrets(Path(sys.argv[1]), os.environ)
