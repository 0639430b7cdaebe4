"""`manage.py dev_web`: daphne's runserver for `serve --dev`, in a process that exits together with its parent.

With plain `runserver`, the server process of a killed `make dev` would keep its port, and the next `make dev` could not
start.
"""

import os
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from serve.child_process import die_with_parent


class Command(BaseCommand):
    help = "For `serve --dev` only; use `runserver` yourself."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("addrport")

    def handle(self, *_args: Any, **options: Any) -> None:
        # Django's autoreloader starts this command again in a child process, the server, with RUN_MAIN set.
        if os.environ.get("RUN_MAIN"):
            die_with_parent(signal.SIGKILL)
        call_command("runserver", options["addrport"], skip_checks=False)
