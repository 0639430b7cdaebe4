"""The result of a reconciliation as text and as JSON: counts, and the first keys of each finding."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from images.reconcile.findings import Finding
from pregen.formatting import printable

_KEYS_SHOWN = 20

# Name, what `--apply` did, what it would do.
_SENTENCES = {
    Finding.THUMBNAIL_WITHOUT_FILE: (
        "Thumbnail rows without a file",
        "deleted; the thumbnails are generated on request",
        "would be deleted",
    ),
    Finding.ORIGINAL_BACK: (
        "Images whose missing original is back",
        "unmarked",
        "would be unmarked",
    ),
    Finding.ORIGINAL_CHANGED: (
        "Replaced originals of archives",
        "updated; their thumbnails are generated on request",
        "would be updated",
    ),
    Finding.FILE_WITHOUT_ROW: ("Uploaded files without a row", "deleted", "would be deleted"),
    Finding.ORIGINAL_MISSING: (
        "Images without their original",
        "cannot be repaired, marked",
        "cannot be repaired, would be marked",
    ),
    Finding.FOREIGN: ("Files not stored by this server", "left alone", "left alone"),
}
_REPAIRED = (
    Finding.THUMBNAIL_WITHOUT_FILE,
    Finding.ORIGINAL_BACK,
    Finding.ORIGINAL_CHANGED,
    Finding.FILE_WITHOUT_ROW,
)


@dataclass
class Report:
    """Filled during a reconciliation. `unread`: collections that have rows but no file in the storage."""

    applied: bool
    files: int = 0
    rows: int = 0
    finished: bool = False
    found: Counter[Finding] = field(default_factory=Counter)
    keys: dict[Finding, list[str]] = field(default_factory=lambda: defaultdict(list))
    unread: set[str] = field(default_factory=set)

    def add(self, finding: Finding, keys: Sequence[str]) -> None:
        self.found[finding] += len(keys)
        shown = self.keys[finding]
        shown.extend(keys[: _KEYS_SHOWN - len(shown)])

    @property
    def is_clean(self) -> bool:
        return (
            self.finished
            and not self.unread
            and not any(self.found[one] for one in Finding if one is not Finding.FOREIGN)
        )

    def lines(self) -> Iterator[str]:
        """For operators: one line per finding, with its first keys below."""
        yield f"Checked: {self.files} files, {self.rows} rows."
        for finding, (name, done, planned) in _SENTENCES.items():
            count = self.found[finding]
            if count:
                yield f"{name}: {count}, {done if self.applied else planned}."
                yield from (f"  {printable(key)}" for key in self.keys[finding])
                if count > len(self.keys[finding]):
                    yield f"  and {count - len(self.keys[finding])} more"
        yield from self.warnings()
        if self.is_clean:
            yield "Storage and rows agree."
        elif not self.applied and any(self.found[one] for one in (*_REPAIRED, Finding.ORIGINAL_MISSING)):
            yield "Nothing was changed: this was a dry run. `--apply` repairs."

    def warnings(self) -> Iterator[str]:
        """The reasons why it is incomplete."""
        for collection in sorted(self.unread):
            yield (
                f"The storage has no file of the collection {printable(collection)}, which has rows: nothing of it was "
                "repaired. Is its volume mounted? `manage.py delete --collection` deletes the rows."
            )
        if not self.finished:
            yield "Stopped before the end; the next run compares everything again."

    def as_json(self) -> dict[str, Any]:
        """For programs: one object that always has all members."""
        return {
            "applied": self.applied,
            "finished": self.finished,
            "checked": {"files": self.files, "rows": self.rows},
            "found": {finding.value: self.found[finding] for finding in Finding},
            "repaired": {one.value: self.found[one] if self.applied else 0 for one in _REPAIRED},
            "unrepairable": {Finding.ORIGINAL_MISSING.value: self.found[Finding.ORIGINAL_MISSING]},
            "foreign": self.found[Finding.FOREIGN],
            "keys": {finding.value: self.keys[finding] for finding in Finding if self.keys[finding]},
            "unread_collections": sorted(self.unread),
        }
