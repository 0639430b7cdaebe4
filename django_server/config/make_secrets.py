"""`python -m config.make_secrets FOLDER`: the secrets of an installation, as files, before anything else starts.

What the environment gives is written down, what it does not give is made once and kept. Run by docker-compose.yml's
service `secrets`; needs no settings. Who may read them: the group the container runs as.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from config.secret_files import keep_secret, stored_secret

DATABASE_USER = "admin"


def make_secrets(folder: Path, environment: Mapping[str, str]) -> None:
    """Write `secret_key`, `database_password`, and `pgbouncer_users`, which is made of the password."""
    _secret(folder / "secret_key", environment.get("SECRET_KEY", ""))
    password = _secret(folder / "database_password", environment.get("POSTGRES_PASSWORD", ""))
    quoted = password.replace('"', '""')
    keep_secret(folder / "pgbouncer_users", f'"{DATABASE_USER}" "{quoted}"\n')


def _secret(path: Path, given: str) -> str:
    if given:
        keep_secret(path, given)
    secret = stored_secret(path)
    path.chmod(0o440)
    return secret


if __name__ == "__main__":
    make_secrets(Path(sys.argv[1]), os.environ)
