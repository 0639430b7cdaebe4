"""Compare the stored files with the rows, and repair the differences.

First checks that the storage is readable: if no file is found where rows name files, nothing is repaired.

Called by `manage.py reconcile` and by the nightly task. Several reconciliations may run at the same time.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from filestore.store import StoredFile
from images.database_errors import database_sentence
from images.reconcile.findings import findings_of
from images.reconcile.merged_listing import count_rows, has_rows, image_rows, merge_by_key, thumbnail_rows
from images.reconcile.repair import Repairer
from images.reconcile.report import Report
from images.reconcile.row_repairs import MIN_AGE
from images.storage import storage
from images.worker_stop_flag import worker_is_stopping
from pregen.formatting import printable

logger = logging.getLogger(__name__)

# Number of keys between two calls of `stop` and `progress`.
_STEP_KEYS = 500


class CannotReconcile(Exception):
    """The storage or the database is not readable. The message is for operators. Earlier repairs are kept."""


def reconcile(
    collections: Sequence[str] = (),
    *,
    apply: bool,
    older_than: timedelta = MIN_AGE,
    progress: Callable[[int], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Compare storage and rows of these collections, or of all if empty. With `apply`, repair the differences.

    Files and rows younger than `older_than` are counted and not repaired: a request or a worker may be writing them.
    `progress` gets the number of rows compared since its last call. Ends early when `stop` returns true. Raises
    CannotReconcile.
    """
    report = Report(applied=apply, older_than=older_than)
    with _errors_as_cannot_reconcile():
        report.finished = all(_compare(prefix, report, progress, stop) for prefix in _prefixes(collections))
    return report


def reconcile_nightly() -> None:
    """Reconcile everything and log the report. A stopping worker ends it early: it runs again the next night."""
    try:
        report = reconcile(apply=True, stop=worker_is_stopping)
    except CannotReconcile as error:
        logger.error("Storage and rows could not be reconciled: %s", error)
        return
    warnings = set(report.warnings())
    for line in report.lines():
        logger.log(logging.WARNING if line in warnings else logging.INFO, "%s", line)


def rows_to_check(collections: Sequence[str]) -> int:
    """The number of rows that `reconcile` with these collections compares. Raises CannotReconcile."""
    with _errors_as_cannot_reconcile():
        return sum(count_rows(prefix) for prefix in _prefixes(collections))


@contextmanager
def _errors_as_cannot_reconcile() -> Iterator[None]:
    """Convert errors of the storage and the database in the block to CannotReconcile."""
    try:
        yield
    except OSError as error:
        raise CannotReconcile(f"The storage does not respond: {error}") from error
    except (DatabaseError, InterfaceError) as error:
        raise CannotReconcile(database_sentence(error)) from error


def _prefixes(collections: Sequence[str]) -> list[str]:
    """The prefixes to compare: one for each collection, or one for the whole storage."""
    return [_prefix_of(name) for name in dict.fromkeys(collections)] or [_below_key_prefix("")]


def _prefix_of(collection: str) -> str:
    if not collection or "/" in collection or collection in (".", ".."):
        raise CannotReconcile(f"{printable(collection)!r} is not the name of a collection.")
    return _below_key_prefix(f"{collection}/")


def _below_key_prefix(path: str) -> str:
    return f"{settings.KEY_PREFIX}/{path}" if settings.KEY_PREFIX else path


def _compare(
    prefix: str, report: Report, progress: Callable[[int], object], stop: Callable[[], bool]
) -> bool:
    """Compare all keys that begin with `prefix`. False if `stop` ended it early."""
    repairer = Repairer(report, _collection_of, _is_empty)
    rows_since_progress = 0
    for number, state in enumerate(merge_by_key(_listed(prefix), image_rows(prefix), thumbnail_rows(prefix))):
        report.files += state.stored is not None
        report.rows += state.rows
        rows_since_progress += state.rows
        for finding in findings_of(state):
            repairer.add(finding, state)
        if number % _STEP_KEYS == 0:
            progress(rows_since_progress)
            rows_since_progress = 0
            if stop():
                return False
    repairer.finish()
    progress(rows_since_progress)
    return True


def _listed(prefix: str) -> Iterator[StoredFile]:
    """The files whose keys begin with `prefix`.

    Raises CannotReconcile if there are rows but no file: probably the volume is not mounted.
    """
    listing = storage().store.list(prefix.removesuffix("/"))
    first = next(listing, None)
    if first is None:
        if has_rows(prefix):
            raise CannotReconcile(
                f"The storage has no file below {printable(prefix) or 'its root'}, but there are rows for files there. "
                "Is the volume mounted? Nothing was changed."
            )
        return iter(())
    return chain([first], listing)


def _collection_of(key: str) -> str:
    return key.removeprefix(_below_key_prefix("")).partition("/")[0]


def _is_empty(collection: str) -> bool:
    """Whether the storage has no file of the collection. Then its volume may not be mounted."""
    return next(storage().store.list(_below_key_prefix(collection)), None) is None
