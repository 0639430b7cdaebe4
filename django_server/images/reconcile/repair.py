"""Collect findings, check them again in groups of 200, and repair those that still exist."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta

from images.reconcile.findings import Finding
from images.reconcile.merged_listing import KeyState
from images.reconcile.orphans import delete_orphans
from images.reconcile.report import Report
from images.reconcile.row_repairs import (
    Repaired,
    delete_lost_thumbnails,
    mark_missing,
    unmark_missing,
    update_source_versions,
)

_GROUP_SIZE = 200
_MISSING_FILES = frozenset({Finding.ORIGINAL_MISSING, Finding.THUMBNAIL_WITHOUT_FILE})


class Repairer:
    """Takes findings one by one, and keeps at most 200 of each kind in memory."""

    def __init__(
        self, report: Report, collection_of: Callable[[str], str], is_empty: Callable[[str], bool]
    ) -> None:
        """`collection_of` gets a key. `is_empty` gets a collection, and says whether the storage has no file of it."""
        self._report = report
        self._collection_of = collection_of
        self._is_empty = is_empty
        self._groups: dict[Finding, list[KeyState]] = defaultdict(list)

    def add(self, finding: Finding, state: KeyState) -> None:
        """Collect a finding. If its group is full, repair the group. Raises OSError if the storage is unavailable."""
        if finding is Finding.FOREIGN:
            self._report.add(finding, [state.key])
            return
        self._groups[finding].append(state)
        if len(self._groups[finding]) >= _GROUP_SIZE:
            self._repair_group(finding)

    def finish(self) -> None:
        """Repair the groups that are not full."""
        for finding in list(self._groups):
            self._repair_group(finding)

    def _repair_group(self, finding: Finding) -> None:
        group = self._groups.pop(finding, [])
        if finding in _MISSING_FILES:
            group = self._in_readable_collections(group)
        if group:
            keys, passed_over = _repair(finding, group, self._report.older_than, apply=self._report.applied)
            self._report.add(finding, keys, passed_over)

    def _in_readable_collections(self, group: Sequence[KeyState]) -> list[KeyState]:
        """The states whose collection has at least one file in the storage.

        If a collection has no file, its volume may not be mounted: it is reported as unread, and its rows are not
        repaired.
        """
        collections = {self._collection_of(state.key) for state in group}
        unread = {name for name in collections if self._is_empty(name)}
        self._report.unread |= unread
        return [state for state in group if self._collection_of(state.key) not in unread]


def _repair(finding: Finding, group: Sequence[KeyState], older_than: timedelta, *, apply: bool) -> Repaired:
    if finding is Finding.FILE_WITHOUT_ROW:
        return delete_orphans([state.key for state in group], older_than, apply=apply)
    if finding is Finding.THUMBNAIL_WITHOUT_FILE:
        rows = {row.id: row.key for state in group for row in state.thumbnails}
        return delete_lost_thumbnails(rows, older_than, apply=apply)
    images = {state.image.id: state.key for state in group if state.image}
    repairs = {
        Finding.ORIGINAL_MISSING: mark_missing,
        Finding.ORIGINAL_BACK: unmark_missing,
        Finding.ORIGINAL_CHANGED: update_source_versions,
    }
    return repairs[finding](images, older_than, apply=apply)
