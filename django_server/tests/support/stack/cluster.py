"""The first start of PostgreSQL as in the official image: a cluster for POSTGRES_USER with POSTGRES_DB."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support.servers.postgres import run_as
from tests.support.stack.places import Places


def make(programs: Path, environment: Mapping[str, str], places: Places, account: str | None) -> None:
    """TCP connections require passwords, as in the image."""
    home = places.path("cluster")
    home.mkdir()
    if account:
        shutil.chown(home, account)
    user, database = environment["POSTGRES_USER"], environment["POSTGRES_DB"]
    password = places.text(environment["POSTGRES_PASSWORD_FILE"])
    arguments = ["-D", str(home / "data"), "-U", user, f"--pwfile={password}", "--auth-host=scram-sha-256"]
    initdb = [str(programs / "initdb"), *arguments, "--auth-local=trust", "-E", "UTF8", "--no-sync"]
    run_as(account, initdb, home)
    statement = f'CREATE DATABASE "{database}"'
    single = [str(programs / "postgres"), "--single", "-D", str(home / "data"), "-c", "fsync=off", "postgres"]
    run_as(account, single, home, statement)


def listening(places: Places) -> list[str]:
    """Arguments with the paths on this machine, and fsync off, which is the only difference to the image."""
    settings = {
        "port": places.ports["5432"],
        "listen_addresses": places.addresses["db"],
        "unix_socket_directories": str(places.path("cluster")),
        "fsync": "off",
        "full_page_writes": "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return ["-D", str(places.path("cluster/data")), *options]
