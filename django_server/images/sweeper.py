"""One round of repairs after crashes, based on the database rows alone. `manage.py sweep` runs it in a loop.

It is not a Celery task: a repair of the queue must not wait in the queue. Each step is bounded, safe to repeat, and
may run in several processes at once.
"""

import logging
from collections.abc import Callable, Sequence

from django.db import DatabaseError, InterfaceError

from images.deletion import delete_leftover_files, delete_old_deletion_notes
from images.observability.event_counters import REPAIRS
from images.processing.recovery import end_expired_claims, republish_unannounced, requeue_pending
from images.uploads.abandoned_spool_files import delete_abandoned_spool_files
from images.uploads.idempotency import delete_expired_keys

logger = logging.getLogger(__name__)

# Each returns how many rows or files it repaired.
STEPS: Sequence[Callable[[], int]] = (
    end_expired_claims,
    requeue_pending,
    republish_unannounced,
    delete_leftover_files,
    delete_abandoned_spool_files,
    delete_old_deletion_notes,
    delete_expired_keys,
)


def sweep(steps: Sequence[Callable[[], int]] = STEPS) -> None:
    """Run all repairs once, and count and log what each repaired.

    A step that fails does not keep the others from running; its error is raised at the end. Without a database no
    step can run, so a DatabaseError is raised immediately.
    """
    failure: Exception | None = None
    for step in steps:
        name = step.__name__.replace("_", " ")
        try:
            repaired = step()
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("%s failed", name)
            failure = failure or error
            continue
        if repaired:
            REPAIRS.labels(step.__name__).inc(repaired)
            logger.info("%s: %d", name, repaired)
    if failure is not None:
        raise failure
