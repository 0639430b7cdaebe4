"""One reconciliation from beginning to end: which part of the storage, whether it may begin, and the way through it.

Called by `manage.py reconcile` and by the nightly task. Several at once don't disturb each other.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from filestore.store import StoredFile
from images.draining import draining
from images.reconcile.findings import judge
from images.reconcile.merged_listing import count_rows, has_rows, image_rows, merged, thumbnail_rows
from images.reconcile.repair import Settler
from images.reconcile.report import Report
from images.storage import storage
from pregen.formatting import printable

logger = logging.getLogger(__name__)

# Whether to stop is asked, and progress told, once in so many keys.
_STEP = 500


class CannotReconcile(Exception):
    """Why it could not run, in a sentence for a person. What had been repaired by then stays so."""


def reconcile(
    collections: Sequence[str] = (),
    *,
    apply: bool,
    progress: Callable[[int], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Compare storage and rows, of these collections or of all, and repair what differs if `apply`.

    `progress` is told how many rows were gone through since it was last told. Raises CannotReconcile.
    """
    report = Report(applied=apply)
    with _answering():
        report.finished = all(_go_through(head, report, progress, stop) for head in _heads(collections))
    return report


def reconcile_nightly() -> None:
    """All of it, applied, and told in the log. Ends early in a worker that is told to stop: there is a next night."""
    try:
        report = reconcile(apply=True, stop=draining)
    except CannotReconcile as error:
        logger.error("Storage and rows could not be reconciled: %s", error)
        return
    warnings = set(report.warnings())
    for line in report.lines():
        logger.log(logging.WARNING if line in warnings else logging.INFO, "%s", line)


def rows_to_check(collections: Sequence[str]) -> int:
    """How many rows a reconciliation of these collections, or of all, goes through. Raises CannotReconcile."""
    with _answering():
        return sum(count_rows(head) for head in _heads(collections))


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotReconcile(f"The storage does not answer as it should: {error}") from error
    except (DatabaseError, InterfaceError) as error:
        raise CannotReconcile(f"The database does not answer as it should: {error}") from error


def _heads(collections: Sequence[str]) -> list[str]:
    """How the keys begin that are to be gone through."""
    return [_head(name) for name in dict.fromkeys(collections)] or [_below_prefix("")]


def _head(collection: str) -> str:
    if not collection or "/" in collection or collection in (".", ".."):
        raise CannotReconcile(f"{printable(collection)!r} is not the name of a collection.")
    return _below_prefix(f"{collection}/")


def _below_prefix(rest: str) -> str:
    return f"{settings.KEY_PREFIX}/{rest}" if settings.KEY_PREFIX else rest


def _go_through(
    head: str, report: Report, progress: Callable[[int], object], stop: Callable[[], bool]
) -> bool:
    """Whether it came to the end of everything below `head`."""
    settler = Settler(report, _collection_of, _shows_nothing)
    untold = 0
    for number, known in enumerate(merged(_listed(head), image_rows(head), thumbnail_rows(head))):
        report.files += known.stored is not None
        report.rows += known.rows
        untold += known.rows
        for finding in judge(known):
            settler.take(finding, known)
        if number % _STEP == 0:
            progress(untold)
            untold = 0
            if stop():
                return False
    settler.finish()
    progress(untold)
    return True


def _listed(head: str) -> Iterator[StoredFile]:
    """The files below `head`. Raises CannotReconcile where there is none, but rows are: nothing is mounted there."""
    listing = storage().store.list(head.removesuffix("/"))
    first = next(listing, None)
    if first is None:
        if has_rows(head):
            raise CannotReconcile(
                f"The storage shows no file at all below {printable(head) or 'its root'}, but there are rows that name "
                "some. Is the volume mounted? Nothing of it was changed."
            )
        return iter(())
    return chain([first], listing)


def _collection_of(key: str) -> str:
    return key.removeprefix(_below_prefix("")).partition("/")[0]


def _shows_nothing(collection: str) -> bool:
    """Whether the storage shows no file of a collection: a volume of its own, which is not mounted."""
    return next(storage().store.list(_below_prefix(collection)), None) is None
