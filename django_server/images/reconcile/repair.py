"""From suspicion to repair: suspects are gathered, looked at again a few hundred at a time, and repaired or not."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from images.reconcile.findings import Finding
from images.reconcile.merged_listing import Known
from images.reconcile.orphans import delete_orphans
from images.reconcile.report import Report
from images.reconcile.row_repairs import (
    delete_lost_thumbnails,
    mark_missing,
    renew_versions,
    unmark_missing,
)

_AT_ONCE = 200
_LOSSES = frozenset({Finding.ORIGINAL_MISSING, Finding.THUMBNAIL_WITHOUT_FILE})


class Settler:
    """Takes suspects one by one; holds at most a few hundred of each kind."""

    def __init__(
        self, report: Report, collection_of: Callable[[str], str], shows_nothing: Callable[[str], bool]
    ) -> None:
        """`shows_nothing`: whether the storage has not a single file of a collection."""
        self._report = report
        self._collection_of = collection_of
        self._shows_nothing = shows_nothing
        self._waiting: dict[Finding, list[Known]] = defaultdict(list)

    def take(self, finding: Finding, known: Known) -> None:
        """Raises OSError when the storage does not answer."""
        if finding is Finding.FOREIGN:
            self._report.add(finding, [known.key])
            return
        self._waiting[finding].append(known)
        if len(self._waiting[finding]) >= _AT_ONCE:
            self._settle(finding)

    def finish(self) -> None:
        """Settle what waits."""
        for finding in list(self._waiting):
            self._settle(finding)

    def _settle(self, finding: Finding) -> None:
        suspects = self._waiting.pop(finding, [])
        if finding in _LOSSES:
            suspects = self._readable(suspects)
        if suspects:
            self._report.add(finding, _repair(finding, suspects, apply=self._report.applied))

    def _readable(self, suspects: Sequence[Known]) -> list[Known]:
        """Those of collections that show any file now: one that shows none was not lost, it is not mounted."""
        collections = {self._collection_of(known.key) for known in suspects}
        unread = {name for name in collections if self._shows_nothing(name)}
        self._report.unread |= unread
        return [known for known in suspects if self._collection_of(known.key) not in unread]


def _repair(finding: Finding, suspects: Sequence[Known], *, apply: bool) -> list[str]:
    if finding is Finding.FILE_WITHOUT_ROW:
        return delete_orphans([known.key for known in suspects], apply=apply)
    if finding is Finding.THUMBNAIL_WITHOUT_FILE:
        return delete_lost_thumbnails(
            {row.id: row.key for known in suspects for row in known.thumbnails}, apply=apply
        )
    images = {known.image.id: known.key for known in suspects if known.image}
    of_images = {
        Finding.ORIGINAL_MISSING: mark_missing,
        Finding.ORIGINAL_BACK: unmark_missing,
        Finding.ORIGINAL_CHANGED: renew_versions,
    }
    return of_images[finding](images, apply=apply)
