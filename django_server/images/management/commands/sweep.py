"""`manage.py sweep --every 10`: run the sweeper, which has a process of its own.

SIGTERM stops it after the current sweep, with exit code 0.
"""

import logging
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections

from images.database_errors import database_sentence
from images.observability.event_counters import SWEEPS, start_at_zero
from images.observability.metrics_listener import listen_for_scrapes
from images.sweeper import sweep

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Repair the effects of crashes: expired claims, lost messages, unpublished events, abandoned files."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every",
            type=float,
            metavar="SECONDS",
            help="sweep repeatedly, with this pause; without this option sweep once",
        )

    def handle(self, *_: Any, every: float | None, **__: Any) -> None:
        if every is not None:
            # Blocked before the first thread starts, because threads inherit it. The pause below receives the signal.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
            start_at_zero()
            listen_for_scrapes()
        while True:
            try:
                sweep()
                SWEEPS.labels("done").inc()
            except (DatabaseError, InterfaceError, OSError) as error:
                # The database or the storage is unavailable. The next sweep repairs the rest.
                SWEEPS.labels("failed").inc()
                sentence = str(error) if isinstance(error, OSError) else database_sentence(error)
                if every is None:
                    raise CommandError(sentence) from error
                logger.warning("Sweep failed: %s", sentence)
            finally:
                close_old_connections()
            if every is None or signal.sigtimedwait([signal.SIGTERM], every) is not None:
                return
