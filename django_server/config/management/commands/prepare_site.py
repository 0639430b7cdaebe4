"""`manage.py prepare_site`: migrations, static files, bucket, first administrator. Fails if Redis does not respond.

Every step is idempotent. The service `migrate` of docker-compose.yml runs it at each start, so an upgrade needs no
other step.
"""

import os
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from images import celery_queue
from images.live import events
from images.reconcile.moved_storage import moved_storage_warning
from images.storage.s3 import S3Storage

_BUCKET_WITHIN_SECONDS = 60
# It is healthy before the service `migrate` starts, except during `docker compose restart`.
_REDIS_WITHIN_SECONDS = 10


class Command(BaseCommand):
    help = (
        "Migrate, collect static files, create folders, bucket and the first administrator, check Redis. "
        "Safe to repeat."
    )

    def handle(self, *_: Any, verbosity: int, **__: Any) -> None:
        # docker-compose.yml sets TMPDIR to this folder.
        (settings.DATA_DIR / "tmp").mkdir(parents=True, exist_ok=True)
        call_command("migrate", interactive=False, verbosity=verbosity)
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        if settings.S3_BUCKET:
            self._create_bucket()
        self._create_first_administrator()
        _retry(_check_redis, _REDIS_WITHIN_SECONDS)
        if warning := moved_storage_warning():
            self.stderr.write(f"Warning: {warning}")

    def _create_bucket(self) -> None:
        _retry(S3Storage().store.make_bucket, _BUCKET_WITHIN_SECONDS, "The bucket could not be created: ")

    def _create_first_administrator(self) -> None:
        """Create the user if DJANGO_SUPERUSER_USERNAME and …_PASSWORD are set and no user has that name."""
        name = os.environ.get("DJANGO_SUPERUSER_USERNAME")
        if not name or not os.environ.get("DJANGO_SUPERUSER_PASSWORD"):
            return
        if not get_user_model()._default_manager.filter(username=name).exists():
            email = os.environ.get("DJANGO_SUPERUSER_EMAIL", "")
            call_command("createsuperuser", interactive=False, username=name, email=email)


def _check_redis() -> None:
    """Without Redis the services would start and be healthy, but no image would be processed."""
    if not (celery_queue.redis_responds() and events.layer_works()):
        raise OSError(
            "Redis does not respond at REDIS_URL, or refuses commands: read the log of the service redis."
        )


def _retry(action: Callable[[], None], seconds: float, failed: str = "") -> None:
    """Call `action` every second until it succeeds, because the server that it calls may be starting.

    Raises CommandError after `seconds`, with the text `failed` before the error.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except OSError as error:
            if time.monotonic() > deadline:
                raise CommandError(f"{failed}{error}") from error
            time.sleep(1)
