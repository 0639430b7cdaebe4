"""`manage.py prepare_site`: all that has to be there before the first request. The service `migrate` in production.

Every step may be repeated; it runs at each start, so an upgrade needs nothing else.
"""

import os
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from images.storage.s3 import S3Storage

_BUCKET_WITHIN_SECONDS = 60


class Command(BaseCommand):
    help = (
        "Migrate, collect the static files, make folders, bucket and the first administrator. Safe to repeat."
    )

    def handle(self, *_: Any, verbosity: int, **__: Any) -> None:
        # Where TMPDIR of docker-compose.yml points.
        (settings.DATA_DIR / "tmp").mkdir(parents=True, exist_ok=True)
        call_command("migrate", interactive=False, verbosity=verbosity)
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        if settings.S3_BUCKET:
            self._make_bucket()
        self._make_first_administrator()

    def _make_bucket(self) -> None:
        _patiently(S3Storage().store.make_bucket, _BUCKET_WITHIN_SECONDS)

    def _make_first_administrator(self) -> None:
        """From DJANGO_SUPERUSER_USERNAME and …_PASSWORD, where both are set and there is none of that name."""
        name = os.environ.get("DJANGO_SUPERUSER_USERNAME")
        if not name or not os.environ.get("DJANGO_SUPERUSER_PASSWORD"):
            return
        if not get_user_model()._default_manager.filter(username=name).exists():
            email = os.environ.get("DJANGO_SUPERUSER_EMAIL", "")
            call_command("createsuperuser", interactive=False, username=name, email=email)


def _patiently(act: Callable[[], None], seconds: float) -> None:
    """Act, again every second while it fails: the server may still be starting. Raises CommandError past the time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return act()
        except OSError as error:
            if time.monotonic() > deadline:
                raise CommandError(f"The bucket can't be made: {error}") from error
            time.sleep(1)
