"""`pregen scan`: merge the listings of originals and thumbnails of each collection into a manifest.

Owns the order of the steps. Holds the names of one folder in memory. Called by `cli`.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from filestore.keys import ORIGINALS, THUMBNAILS, is_utf8
from filestore.store import FolderFiles, Store
from pregen.console import Progress, log, write_line
from pregen.errors import BadConfiguration, StoreFailure, UnknownCollection, sentence_of
from pregen.formatting import printable
from pregen.manifest.reader import CollectionStats
from pregen.manifest.writer import ManifestWriter, Scan, writing_manifest
from pregen.scan.matching import MatchedImages, Matcher
from pregen.storage import Storage

UPLOADS_COLLECTION = "uploads"
"""The collection of the server's uploads. `manage.py thumbnails` generates their thumbnails."""


@dataclass(frozen=True)
class ScanOptions:
    """`limit`: the maximum number of images; None: no limit. `collections`: empty for all."""

    output: Path
    collections: tuple[str, ...] = ()
    limit: int | None = None
    show_files: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class ScanResult:
    """`left_out`: the number of folders and files that could not be listed."""

    scan: Scan
    thumbnails_without_original: int
    left_out: int


class _ScanState:
    """The state of a running scan."""

    def __init__(self, store: Store, storage: Storage, options: ScanOptions) -> None:
        self.store, self.storage, self.options = store, storage, options
        self.images_left = options.limit
        self.left_out = 0
        self.without_original = 0

    def on_unlistable(self, key: str, reason: str) -> None:
        self.left_out += 1
        log.error("%s -> %s Skipped.", printable(key), reason)


def scan(store: Store, storage: Storage, options: ScanOptions) -> ScanResult:
    """Write the manifest of the archive. Raises UnknownCollection, BadConfiguration, StoreFailure."""
    created_at, started = datetime.now(UTC), time.monotonic()
    if not options.output.parent.is_dir():
        raise BadConfiguration(f"There is no folder {options.output.parent} to write the manifest to.")
    state = _ScanState(store, storage, options)
    try:
        collections = _targets(store, storage.prefix, options.collections)
        with writing_manifest(options.output) as writer:
            stats = _scan_all(state, collections, writer)
            seconds = round(time.monotonic() - started, 2)
            finished = Scan(created_at, storage, collections, stats, seconds)
            writer.finish(finished)
    except OSError as failure:
        raise StoreFailure(f"The scan failed and wrote nothing. {sentence_of(failure)}") from failure
    if state.without_original:
        log.info("%s thumbnails have no original.", f"{state.without_original:,}")
    return ScanResult(finished, state.without_original, state.left_out)


def _targets(store: Store, prefix: str, requested: tuple[str, ...]) -> tuple[str, ...]:
    existing = list(store.folders(prefix))
    unknown = [name for name in requested if name not in existing]
    if unknown:
        names = ", ".join(printable(name) for name in existing[:20]) or "none"
        raise UnknownCollection(f"There is no collection {', '.join(unknown)}. There are: {names}.")
    if requested:
        return tuple(name for name in existing if name in requested)
    return tuple(name for name in existing if name != UPLOADS_COLLECTION)


def _scan_all(
    state: _ScanState, collections: tuple[str, ...], writer: ManifestWriter
) -> dict[str, CollectionStats]:
    stats = {}
    with Progress("scan", "images", quiet=state.options.quiet) as progress:
        for number, collection in enumerate(collections):
            if not is_utf8(collection):
                state.on_unlistable(collection, "Its name is not valid UTF-8.")
                continue
            counts = _Counts()
            for matched in _matched(state, collection):
                writer.records.add(state.storage.prefix, collection, matched)
                counts.add(matched)
                done = (number + _progress_share(matched.folder)) / len(collections)
                progress.add(len(matched.originals), done)
                if state.options.show_files:
                    _show(matched)
            if counts.images:
                stats[collection] = counts.stats(collection)
    return stats


def _matched(state: _ScanState, collection: str) -> Iterator[MatchedImages]:
    prefix = state.storage.prefix
    head = f"{prefix}/{collection}" if prefix else collection
    matcher = Matcher(
        _below(state, f"{head}/{ORIGINALS}"),
        _below(state, f"{head}/{THUMBNAILS}"),
    )
    for matched in matcher.matched():
        if state.images_left is not None:
            matched.originals = list(islice(matched.originals, state.images_left))
            state.images_left -= len(matched.originals)
        if matched.originals:
            yield matched
        if state.images_left == 0:
            break
    state.without_original += matcher.without_original


def _below(state: _ScanState, root: str) -> Iterator[FolderFiles]:
    """The files below the folder `root`, with folder names relative to `root`."""
    start = len(root) + 1
    for folder, files in state.store.list_by_folder(root, state.on_unlistable):
        yield FolderFiles(folder[start:], files)


class _Counts:
    """The counts of one collection so far."""

    def __init__(self) -> None:
        self.images = self.with_thumbnails = self.original_bytes = self.thumbnail_bytes = 0

    def add(self, matched: MatchedImages) -> None:
        self.images += len(matched.originals)
        for name, byte_size, _, _ in matched.originals:
            self.original_bytes += byte_size
            found = matched.thumbnails.get(name)
            if found:
                self.with_thumbnails += 1
                for file in found.values():
                    self.thumbnail_bytes += file[1]

    def stats(self, name: str) -> CollectionStats:
        missing = self.images - self.with_thumbnails
        sums = (self.original_bytes, self.thumbnail_bytes)
        return CollectionStats(name, self.images, self.with_thumbnails, missing, *sums)


def _show(matched: MatchedImages) -> None:
    for name, *_ in matched.originals:
        scales = sorted(matched.thumbnails.get(name, ()))
        scales_text = ", ".join(f"@{scale}" for scale in scales) or "NO thumbnails"
        write_line(f"{printable(name)}: {scales_text}")


def _progress_share(folder: str) -> float:
    """The share of the collection that sorts before this folder, if folders are named by two hex digits; else 0."""
    try:
        return int(folder[:2], 16) / 256 if len(folder.partition("/")[0]) == 2 else 0.0
    except ValueError:
        return 0.0
