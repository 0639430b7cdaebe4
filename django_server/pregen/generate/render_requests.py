"""Select the images of a run: one request for each image with a missing or stale thumbnail of a requested size. Pure.

An image is selected if it is in a requested collection, has a file name that is not before that of `--resume`, and
lacks a current thumbnail of exactly the requested scale. `--limit` counts the selected images. `generate` processes the
requests, and the reports count them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from filestore.keys import EXTENSIONS_OF_JPEG_THUMBNAILS, InvalidKey, parse_original, thumbnail_key
from pregen.manifest.reader import Record
from pregen.manifest.timestamps import to_microseconds


@dataclass(frozen=True)
class Selection:
    """Which thumbnails a run generates. `as_png`: thumbnails of .tif, .tiff and .bmp are PNG and named .png."""

    scales: tuple[int, ...]
    collections: frozenset[str] = frozenset()
    as_png: bool = False
    resume: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class RenderRequest:
    """One image, which is decoded once. `targets`: the key of each thumbnail to generate, by its scale in pixels."""

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
    def from_json(cls, values: dict[str, Any]) -> "RenderRequest":
        targets = {int(scale): str(key) for scale, key in values["targets"].items()}
        return cls(**{**values, "targets": targets})


@dataclass(frozen=True)
class Prefixes:
    """`scanned`: the prefix of the keys in the manifest. `now`: the prefix of the archive, which may have changed."""

    scanned: str
    now: str


IsFinished = Callable[[str, str], bool]
"""A function of a thumbnail's key and its original's version: whether this thumbnail is in a journal as finished."""


def missing_scales(record: Record, scales: Iterable[int]) -> list[int]:
    """The scales without a thumbnail, or with a thumbnail that is older than the original. Pure."""
    thumbnails = record.thumbnails
    return [
        scale
        for scale in scales
        if scale not in thumbnails or thumbnails[scale].modified < record.original_modified
    ]


def request_for(
    record: Record, selection: Selection, prefixes: Prefixes, is_finished: IsFinished
) -> RenderRequest | None:
    """The request for this record; None if no thumbnail is missing. Raises InvalidKey for a malformed key."""
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
    extension = (
        "png" if selection.as_png and original.extension.lower() in EXTENSIONS_OF_JPEG_THUMBNAILS else None
    )
    targets = {scale: str(thumbnail_key(original, scale, extension)) for scale in scales}
    unfinished = {
        scale: target for scale, target in targets.items() if not is_finished(target, record.version)
    }
    if not unfinished:
        return None
    modified_us = to_microseconds(record.original_modified)
    return RenderRequest(key, record.collection, record.filename, record.version, modified_us, unfinished)


def select(
    records: Iterable[Record],
    selection: Selection,
    prefixes: Prefixes,
    is_finished: IsFinished,
    on_rejected: Callable[[str, str], None],
) -> Iterator[RenderRequest]:
    """The requests of a run, in the order of the records. `on_rejected` gets each malformed key and the reason."""
    images_left = selection.limit
    for record in records:
        if images_left == 0:
            return
        if selection.collections and record.collection not in selection.collections:
            continue
        if selection.resume is not None and record.filename < selection.resume:
            continue
        try:
            request = request_for(record, selection, prefixes, is_finished)
        except InvalidKey:
            on_rejected(record.original_key, "The key is not the key of an original in its collection.")
            continue
        if request is None:
            continue
        if images_left is not None:
            images_left -= 1
        yield request


def _moved(key: str, prefixes: Prefixes) -> str:
    head = f"{prefixes.scanned}/" if prefixes.scanned else ""
    return f"{prefixes.now}/{key.removeprefix(head)}" if prefixes.now else key.removeprefix(head)
