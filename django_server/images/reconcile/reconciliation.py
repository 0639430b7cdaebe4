"""One reconciliation: select the part of the storage, check that it is readable, compare, repair.

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
from images.reconcile.merged_listing import count_rows, has_rows, image_rows, merged, thumbnail_rows
from images.reconcile.repair import Repairer
from images.reconcile.report import Report
from images.reconcile.row_repairs import YOUNG
from images.storage import storage
from images.worker_stop_flag import draining
from pregen.formatting import printable

logger = logging.getLogger(__name__)

# Number of keys between two calls of `stop` and `progress`.
_STEP_KEYS = 500


class CannotReconcile(Exception):
    """The storage or the database is not readable. The message is a sentence for operators. Earlier repairs stay."""


def reconcile(
    collections: Sequence[str] = (),
    *,
    apply: bool,
    older_than: timedelta = YOUNG,
    progress: Callable[[int], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Compare storage and rows of these collections, or of all if empty, and with `apply` repair the differences.

    Files and rows younger than `older_than` are counted and not repaired: a request or a worker may be writing them.
    `progress` gets the number of rows compared since its last call. Ends early when `stop` returns true. Raises
    CannotReconcile.
    """
    report = Report(applied=apply, older_than=older_than)
    with _refusing_errors():
        report.finished = all(_compare(head, report, progress, stop) for head in _heads(collections))
    return report


def reconcile_nightly() -> None:
    """Reconcile everything and log the report. A stopping worker ends it early: it runs again the next night."""
    try:
        report = reconcile(apply=True, stop=draining)
    except CannotReconcile as error:
        logger.error("Storage and rows could not be reconciled: %s", error)
        return
    warnings = set(report.warnings())
    for line in report.lines():
        logger.log(logging.WARNING if line in warnings else logging.INFO, "%s", line)


def rows_to_check(collections: Sequence[str]) -> int:
    """The number of rows that `reconcile` with these collections compares. Raises CannotReconcile."""
    with _refusing_errors():
        return sum(count_rows(head) for head in _heads(collections))


@contextmanager
def _refusing_errors() -> Iterator[None]:
    """Raise CannotReconcile for an error of the storage or the database."""
    try:
        yield
    except OSError as error:
        raise CannotReconcile(f"The storage does not respond: {error}") from error
    except (DatabaseError, InterfaceError) as error:
        raise CannotReconcile(database_sentence(error)) from error


def _heads(collections: Sequence[str]) -> list[str]:
    """The heads to compare: one for each collection, or one for the whole storage."""
    return [_head(name) for name in dict.fromkeys(collections)] or [_below_prefix("")]


def _head(collection: str) -> str:
    if not collection or "/" in collection or collection in (".", ".."):
        raise CannotReconcile(f"{printable(collection)!r} is not the name of a collection.")
    return _below_prefix(f"{collection}/")


def _below_prefix(rest: str) -> str:
    return f"{settings.KEY_PREFIX}/{rest}" if settings.KEY_PREFIX else rest


def _compare(head: str, report: Report, progress: Callable[[int], object], stop: Callable[[], bool]) -> bool:
    """Compare all keys that begin with `head`. False if `stop` ended it early."""
    repairer = Repairer(report, _collection_of, _is_empty)
    new_rows = 0
    for number, state in enumerate(merged(_listed(head), image_rows(head), thumbnail_rows(head))):
        report.files += state.stored is not None
        report.rows += state.rows
        new_rows += state.rows
        for finding in findings_of(state):
            repairer.add(finding, state)
        if number % _STEP_KEYS == 0:
            progress(new_rows)
            new_rows = 0
            if stop():
                return False
    repairer.finish()
    progress(new_rows)
    return True


def _listed(head: str) -> Iterator[StoredFile]:
    """The files whose keys begin with `head`.

    Raises CannotReconcile if there are rows but no file: probably the volume is not mounted.
    """
    listing = storage().store.list(head.removesuffix("/"))
    first = next(listing, None)
    if first is None:
        if has_rows(head):
            raise CannotReconcile(
                f"The storage has no file below {printable(head) or 'its root'}, but there are rows for files there. "
                "Is the volume mounted? Nothing was changed."
            )
        return iter(())
    return chain([first], listing)


def _collection_of(key: str) -> str:
    return key.removeprefix(_below_prefix("")).partition("/")[0]


def _is_empty(collection: str) -> bool:
    """Whether the storage has no file of the collection. Then its volume may not be mounted."""
    return next(storage().store.list(_below_prefix(collection)), None) is None
