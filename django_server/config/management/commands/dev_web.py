"""`manage.py dev_web`: daphne's runserver for `serve --dev`. Its reloaded process exits together with its parent.

Without that, the reloaded process of a killed `make dev` keeps its port, and the next `make dev` cannot start.
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
        # Django's autoreloader starts this command again as its child process, with RUN_MAIN set: the server.
        if os.environ.get("RUN_MAIN"):
            die_with_parent(signal.SIGKILL)
        call_command("runserver", options["addrport"], skip_checks=False)
