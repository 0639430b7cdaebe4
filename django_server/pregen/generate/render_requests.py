"""Select the work of a run: one request for each image that lacks a thumbnail of a requested size. Pure.

The order of the conditions is a contract: collection, then missing or stale at exactly the requested scale, then
`--resume`, then `--limit`. Used by generate for work and by the reports for counting.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from filestore.keys import EXTENSIONS_HOLDING_JPEG, InvalidKey, parse_original, thumbnail_key
from pregen.manifest.reader import Record
from pregen.manifest.timestamps import to_microseconds


@dataclass(frozen=True)
class Selection:
    """The selection of a run. `as_png`: thumbnails of .tif, .tiff and .bmp as PNG, named .png."""

    scales: tuple[int, ...]
    collections: frozenset[str] = frozenset()
    as_png: bool = False
    resume: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class RenderRequest:
    """One image to decode once. `targets`: the key of each thumbnail by its scale in pixels."""

    original_key: str
    collection: str
    filename: str
    version: str
    modified_us: int
    targets: dict[int, str]

    def as_json(self) -> dict[str, Any]:
        targets = {str(scale): key for scale, key in self.targets.items()}
        return {**vars(self), "targets": targets}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "RenderRequest":
        targets = {int(scale): str(key) for scale, key in found["targets"].items()}
        return cls(**{**found, "targets": targets})


@dataclass(frozen=True)
class Prefixes:
    """The prefix of the manifest's keys (`scanned`), and the archive's prefix if it has moved since (`now`)."""

    scanned: str
    now: str


IsFinished = Callable[[str, str], bool]
"""Whether the thumbnail with that key was generated from that version of the original."""


def missing_scales(record: Record, scales: Iterable[int]) -> list[int]:
    """The scales without a thumbnail, or with one older than the original. Pure."""
    found = record.thumbnails
    return [
        scale for scale in scales if scale not in found or found[scale].modified < record.original_modified
    ]


def request_for(
    record: Record, selection: Selection, prefixes: Prefixes, is_finished: IsFinished
) -> RenderRequest | None:
    """The request for this record, None if nothing is missing. Raises InvalidKey for a malformed key."""
    scales = missing_scales(record, selection.scales)
    if not scales:
        return None
    original = parse_original(record.original_key, prefixes.scanned)
    if original.collection != record.collection:
        raise InvalidKey(record.original_key)
    key = record.original_key
    if prefixes.now != prefixes.scanned:
        original = parse_original(_moved(key, prefixes), prefixes.now)
        key = str(original)
    extension = "png" if selection.as_png and original.extension.lower() in EXTENSIONS_HOLDING_JPEG else None
    targets = {scale: str(thumbnail_key(original, scale, extension)) for scale in scales}
    left = {scale: target for scale, target in targets.items() if not is_finished(target, record.version)}
    if not left:
        return None
    modified_us = to_microseconds(record.original_modified)
    return RenderRequest(key, record.collection, record.filename, record.version, modified_us, left)


def select(
    records: Iterable[Record],
    selection: Selection,
    prefixes: Prefixes,
    is_finished: IsFinished,
    on_rejected: Callable[[str, str], None],
) -> Iterator[RenderRequest]:
    """The requests of a run, in the order of the records. `on_rejected` gets malformed keys and the reason."""
    left = selection.limit
    for record in records:
        if left == 0:
            return
        if selection.collections and record.collection not in selection.collections:
            continue
        if selection.resume is not None and record.filename < selection.resume:
            continue
        try:
            request = request_for(record, selection, prefixes, is_finished)
        except InvalidKey:
            on_rejected(record.original_key, "Its key is not that of an original of its collection.")
            continue
        if request is None:
            continue
        if left is not None:
            left -= 1
        yield request


def _moved(key: str, prefixes: Prefixes) -> str:
    head = f"{prefixes.scanned}/" if prefixes.scanned else ""
    return f"{prefixes.now}/{key.removeprefix(head)}" if prefixes.now else key.removeprefix(head)
