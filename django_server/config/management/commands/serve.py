"""`manage.py serve`: runs the whole site in one command. The implementation is `serve/run.py`."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand
from django.db import connection

from config.reachable_services import unreachable_services
from filestore.writable_folder import UnusableFolder, folder_sentence, require_writable
from images import checks
from images.processing.unfinished_work import unfinished_work
from images.reconcile.moved_storage import moved_storage_warning
from serve.private_redis import redis_executable, socket_path
from serve.run import Reports, serve
from serve.serve_error import ServeError
from serve.site_processes import PrivateRedis, Site


class Command(BaseCommand):
    help = "Run the whole site (Redis, worker, beat, sweeper, web) until Ctrl+C. Processes that exit are restarted."
    # `handle` runs the checks of this project and prints one line for each. Child processes run all checks.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dev",
            action="store_true",
            help="for development: daphne's runserver with reloading, and the page from Vite on port 5173",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            _require_sound_start()
            for warning in checks.warnings():
                _print_line(f"Warning: {warning}")
            serve(_site(develop=options["dev"]), _print_line, reports=Reports(_warnings, unfinished_work))
        except (ServeError, UnusableFolder, ImproperlyConfigured) as error:
            self.stderr.write(str(error))
            sys.exit(1)
        except OSError as error:
            if not _is_in_data_dir(error.filename):
                raise
            self.stderr.write(folder_sentence("DATA_DIR", settings.DATA_DIR, error))
            sys.exit(1)


def _require_sound_start() -> None:
    """Raises an error whose message is one sentence, before any process starts."""
    require_writable("DATA_DIR", settings.DATA_DIR)
    checks.refuse_unsound_settings()
    require_writable("INCOMING_ROOT", settings.INCOMING_ROOT)
    if unreachable := unreachable_services():
        raise ServeError(" ".join(unreachable))


def _is_in_data_dir(path: object) -> bool:
    return isinstance(path, str | os.PathLike) and Path(path).is_relative_to(settings.DATA_DIR)


def _warnings() -> Iterator[str]:
    warning = moved_storage_warning()
    connection.close()
    if warning:
        yield warning


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
