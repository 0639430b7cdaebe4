"""Command lines of the images' programs on this machine, with the arguments that replace container features."""

import os
import shutil
from pathlib import Path

from serve.private_redis import redis_executable
from tests.support.stack import cluster
from tests.support.stack.places import Places


def found_here(command: list[str], name: str, places: Places, postgres: Path) -> list[str]:
    """The command line of the instance `name`. `postgres`: the folder of PostgreSQL's programs."""
    program, *rest = command
    service = name.rpartition("-")[0]
    if program == "postgres":
        return [str(postgres / program), *rest, *cluster.listening(places)]
    if program == "pg_isready":
        return [_which(program, postgres), *rest]
    if program == "redis-server":
        return [redis_executable(), *rest, "--bind", places.addresses["redis"]]
    if program == "redis-cli":
        return [_which(program, Path("/usr/bin")), "-h", places.addresses["redis"], *rest]
    if program == "nginx":
        return [_which(program, Path("/usr/sbin")), "-c", str(places.path("etc/nginx/nginx.conf")), *rest]
    if program == "pgbouncer":
        return [_which(program, Path("/usr/sbin")), *rest]
    if service in ("worker", "bulk") and program == "celery":
        # Two containers have two host names; two processes on this machine share one.
        return [program, *rest, "--hostname", f"celery@{name}"]
    return command


def _which(program: str, beside: Path) -> str:
    found = shutil.which(program, path=f"{beside}:{os.environ['PATH']}")
    if found is None:
        raise RuntimeError(f"{program} is missing: `sh scripts/test-tools.sh` installs what the tests need.")
    return found
