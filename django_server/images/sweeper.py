"""One round of repairs after crashes and outages. `manage.py sweep` runs it in a loop.

It is not a Celery task, because a repair of the queue must not wait in the queue. Each step handles a limited number of
rows or files, is safe to repeat, and may run in several processes at once.
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

# Each step returns the number of rows or files that it repaired. The functions' names are metric labels: do not change
# them.
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
    """Run all repair steps once. Log and count the number of repairs of each step.

    If a step fails, the other steps still run, and the first error is raised at the end. A DatabaseError is raised
    immediately, because no step works without the database.
    """
    first_error: Exception | None = None
    for step in steps:
        name = step.__name__.replace("_", " ")
        try:
            repaired = step()
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("%s failed", name)
            first_error = first_error or error
            continue
        if repaired:
            REPAIRS.labels(step.__name__).inc(repaired)
            logger.info("%s: %d", name, repaired)
    if first_error is not None:
        raise first_error
