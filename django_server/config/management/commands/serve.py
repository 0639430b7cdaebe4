"""`manage.py serve`: runs the whole site in one command. The implementation is `serve/run.py`."""

import os
import sys
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from serve.private_redis import redis_executable, socket_path
from serve.run import serve
from serve.serve_error import ServeError
from serve.site_processes import PrivateRedis, Site


class Command(BaseCommand):
    help = "Run the whole site (Redis, worker, beat, sweeper, web) until Ctrl+C. Processes that exit are restarted."
    # Each child process runs the checks itself; this process needs neither database nor models.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dev",
            action="store_true",
            help="for development: daphne's runserver with reloading, and the page from Vite on port 5173",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            serve(_site(develop=options["dev"]), _print_line)
        except ServeError as error:
            self.stderr.write(str(error))
            sys.exit(1)


def _site(*, develop: bool) -> Site:
    environment = {
        **({"DEBUG": "true"} if develop else {}),
        **os.environ,
        # Absolute: the child processes have another working directory.
        "DATA_DIR": str(settings.DATA_DIR),
        # So that a crash loses no buffered log lines.
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


def _print_line(line: str) -> None:
    # A closed terminal must not raise here, because the child processes would not be stopped.
    with suppress(OSError):
        print(line, flush=True)
