"""`manage.py serve`: the whole site in one command. What it does is in serve/run.py."""

import os
import sys
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from serve.child_specs import PrivateRedis, Site
from serve.private_redis import redis_executable, socket_path
from serve.run import serve
from serve.serve_error import ServeError


class Command(BaseCommand):
    help = "Starts everything (Redis, worker, beat, sweeper, web), watches it, and stops it all on Ctrl+C."
    # The children check for themselves; this process needs neither database nor models.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dev", action="store_true", help="with daphne's reloading runserver, and the page by Vite"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            serve(_site(develop=options["dev"]), _say)
        except ServeError as error:
            self.stderr.write(str(error))
            sys.exit(1)


def _site(*, develop: bool) -> Site:
    environment = {
        **({"DEBUG": "true"} if develop else {}),
        **os.environ,
        # The children's folder is another one: a relative DATA_DIR would mean something else there.
        "DATA_DIR": str(settings.DATA_DIR),
        # Else a log ends in the middle of what was said before a crash.
        "PYTHONUNBUFFERED": "1",
    }
    redis = (
        PrivateRedis(socket_path(settings.DATA_DIR), redis_executable()) if settings.EMBEDDED_REDIS else None
    )
    return Site(
        data_dir=settings.DATA_DIR,
        host=settings.HOST,
        port=settings.PORT,
        server_root=settings.SERVER_ROOT,
        page_root=settings.PAGE_ROOT.parent,
        worker_processes=settings.WORKER_PROCESSES,
        python=sys.executable,
        environment=environment,
        redis=redis,
        worker_name=f"serve-{os.getpid()}",
        sweep_seconds=settings.SWEEP_SECONDS,
        develop=develop,
    )


def _say(line: str) -> None:
    # A terminal that was closed must not keep the children from being stopped.
    with suppress(OSError):
        print(line, flush=True)
