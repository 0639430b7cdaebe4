"""The result of a reconciliation, as text and as JSON: the number of each finding and its first keys."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from images.reconcile.findings import Finding
from pregen.formatting import printable

_KEYS_SHOWN = 20

# For each finding: its name, the text after a repair, the text after a dry run.
_SENTENCES = {
    Finding.THUMBNAIL_WITHOUT_FILE: (
        "Thumbnail rows without a file",
        "deleted; the thumbnails are generated on request",
        "would be deleted",
    ),
    Finding.ORIGINAL_BACK: (
        "Images whose missing original is back",
        "no longer marked as missing",
        "would no longer be marked as missing",
    ),
    Finding.ORIGINAL_CHANGED: (
        "Replaced originals of archives",
        "updated; their thumbnails are generated on request",
        "would be updated",
    ),
    Finding.FILE_WITHOUT_ROW: ("Uploaded files without a row", "deleted", "would be deleted"),
    Finding.ORIGINAL_MISSING: (
        "Images without their original",
        "cannot be repaired, marked as missing",
        "cannot be repaired, would be marked as missing",
    ),
    Finding.FOREIGN: ("Files not stored by this server", "left alone", "left alone"),
}
_REPAIRABLE = (
    Finding.THUMBNAIL_WITHOUT_FILE,
    Finding.ORIGINAL_BACK,
    Finding.ORIGINAL_CHANGED,
    Finding.FILE_WITHOUT_ROW,
)


@dataclass
class Report:
    """The result of a reconciliation, filled while it runs.

    `found`: the number of findings of each kind. `keys`: the first keys of each kind. `unread`: the collections that
    have rows but no file.
    `passed_over`: the number of differences that are younger than `older_than` or in use by another process.
    """

    applied: bool
    older_than: timedelta
    files: int = 0
    rows: int = 0
    finished: bool = False
    found: Counter[Finding] = field(default_factory=Counter)
    passed_over: Counter[Finding] = field(default_factory=Counter)
    keys: dict[Finding, list[str]] = field(default_factory=lambda: defaultdict(list))
    unread: set[str] = field(default_factory=set)

    def add(self, finding: Finding, keys: Sequence[str], passed_over: int = 0) -> None:
        self.found[finding] += len(keys)
        self.passed_over[finding] += passed_over
        shown = self.keys[finding]
        shown.extend(keys[: _KEYS_SHOWN - len(shown)])

    @property
    def is_clean(self) -> bool:
        """Whether everything was compared without a difference. Foreign files are no difference.

        Differences that were passed over do not count: they may be uploads that are being written.
        """
        return (
            self.finished
            and not self.unread
            and not any(self.found[finding] for finding in Finding if finding is not Finding.FOREIGN)
        )

    def lines(self) -> Iterator[str]:
        """The report for operators: one line per finding, followed by its first keys."""
        yield f"Checked: {self.files} files, {self.rows} rows."
        for finding, (name, done, planned) in _SENTENCES.items():
            count = self.found[finding]
            if count:
                yield f"{name}: {count}, {done if self.applied else planned}."
                yield from (f"  {printable(key)}" for key in self.keys[finding])
                if count > len(self.keys[finding]):
                    yield f"  and {count - len(self.keys[finding])} more"
        yield from self.warnings()
        passed_over = self.passed_over.total()
        if passed_over:
            yield (
                f"Passed over: {passed_over} files or rows that differ and are younger than "
                f"{self.older_than // timedelta(minutes=1)} minutes or in use. Compare again later; "
                "`--older-than MINUTES` changes the age."
            )
        if self.is_clean:
            yield "All other files and rows agree." if passed_over else "Storage and rows agree."
        elif not self.applied and any(
            self.found[finding] for finding in (*_REPAIRABLE, Finding.ORIGINAL_MISSING)
        ):
            yield "Nothing was changed: this was a dry run. `--apply` repairs the differences."

    def warnings(self) -> Iterator[str]:
        """The reasons why the report is incomplete."""
        for collection in sorted(self.unread):
            yield (
                f"The storage has no file of the collection {printable(collection)}, which has rows: nothing in it was "
                "repaired. Is its volume mounted? `manage.py delete --collection` deletes the rows."
            )
        if not self.finished:
            yield "Stopped before the end; the next run compares everything again."

    def as_json(self) -> dict[str, Any]:
        """The report for programs: a JSON object that always has all members."""
        return {
            "applied": self.applied,
            "finished": self.finished,
            "checked": {"files": self.files, "rows": self.rows},
            "found": {finding.value: self.found[finding] for finding in Finding},
            "repaired": {
                finding.value: self.found[finding] if self.applied else 0 for finding in _REPAIRABLE
            },
            "unrepairable": {Finding.ORIGINAL_MISSING.value: self.found[Finding.ORIGINAL_MISSING]},
            "foreign": self.found[Finding.FOREIGN],
            "passed_over": {
                finding.value: self.passed_over[finding]
                for finding in Finding
                if finding is not Finding.FOREIGN
            },
            "keys": {finding.value: self.keys[finding] for finding in Finding if self.keys[finding]},
            "unread_collections": sorted(self.unread),
        }
