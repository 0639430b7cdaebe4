"""Write the rows of a manifest's images, 1,000 records per transaction, three to six statements each.

Idempotent: a second run writes only changes, and completes an interrupted run. The thumbnails that `pregen generate`
made since the scan are read from its journal, after the manifest. Called by `manage.py register`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from images.models import Image
from images.queries import thumbnails_of as stored_thumbnails_of
from images.registration.manifest_rows import (
    NotRegistered,
    id_of,
    image_of,
    is_same_source,
    rows_of_generated,
    thumbnails_of,
)
from images.registration.storage_match import refuse_other_storage
from images.row_values import ThumbnailRow
from images.thumbnail_rules import is_valid
from images.thumbnails.upsert import save_thumbnails
from pregen.generate.journal import GeneratedThumbnail, read_journals
from pregen.manifest.reader import Record, read_head, records

CHUNK = 1000
T = TypeVar("T")


@dataclass
class Tally:
    """Counts of records, and for each reason of a skipped record the first key."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    thumbnails: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def skip(self, key: str, reason: str) -> None:
        self.skipped[reason] += 1
        self.examples.setdefault(reason, key)


def register(
    manifest: Path,
    *,
    collections: Sequence[str] = (),
    apply: bool = True,
    progress: Callable[[int], object] = lambda _: None,
) -> Tally:
    """Write rows of the manifest's images; only of `collections` if there are any.

    `progress` gets the number of records read since its last call. Without `apply` nothing is written. Raises
    OtherStorage, and PregenError for an unreadable manifest.
    """
    refuse_other_storage(read_head(manifest))
    tally = Tally()
    for chunk in _chunks(records(manifest, tally.skip)):
        _write([one for one in chunk if _is_wanted(one, collections)], tally, apply=apply)
        progress(len(chunk))
    for made_chunk in _chunks(read_journals(manifest)):
        _write_made(made_chunk, tally, apply=apply)
    return tally


def _write(chunk: Sequence[Record], tally: Tally, *, apply: bool) -> None:
    records_by_id = _images_of(chunk, tally)
    with transaction.atomic():
        known = Image.objects.in_bulk(list(records_by_id))
        new = [image for id_, (_, image) in records_by_id.items() if id_ not in known]
        changed = [
            image
            for id_, (_, image) in records_by_id.items()
            if id_ in known and _has_changed(known[id_], image)
        ]
        # For unchanged images the row's version counts: it may identify the bytes more exactly.
        valid = {**{id_: image for id_, (_, image) in records_by_id.items()}, **known}
        valid |= {image.id: image for image in changed}
        thumbnails = _without_valid_row(
            [row for id_, (record, _) in records_by_id.items() for row in thumbnails_of(record, valid[id_])]
        )
        if apply:
            Image.objects.bulk_create(new, ignore_conflicts=True)
            Image.objects.bulk_create(
                changed,
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=[
                    "source_version",
                    "byte_size",
                    "uploaded_at",
                    "finished_at",
                    "original_missing",
                ],
            )
            save_thumbnails(thumbnails)
    tally.new += len(new)
    tally.changed += len(changed)
    tally.unchanged += len(records_by_id) - len(new) - len(changed)
    tally.thumbnails += len(thumbnails)


def _images_of(chunk: Sequence[Record], tally: Tally) -> dict[UUID, tuple[Record, Image]]:
    records_by_id = {}
    for record in chunk:
        try:
            image = image_of(record)
        except NotRegistered as reason:
            tally.skip(record.original_key, str(reason))
        else:
            records_by_id[image.id] = (record, image)
    return records_by_id


def _write_made(chunk: Sequence[GeneratedThumbnail], tally: Tally, *, apply: bool) -> None:
    with transaction.atomic():
        known = Image.objects.in_bulk({id_of(one.original_key) for one in chunk})
        rows: dict[tuple[UUID, str], ThumbnailRow] = {}
        measured: dict[UUID, Image] = {}
        for one in chunk:
            image = known.get(id_of(one.original_key))
            for row in rows_of_generated(one, image) if image is not None else ():
                rows[row["image_id"], row["label"]] = row
                if image is not None and image.width is None:
                    image.width, image.height = one.original_width, one.original_height
                    measured[image.id] = image
        missing = _without_valid_row(list(rows.values()))
        if apply:
            Image.objects.bulk_update(measured.values(), ["width", "height"])
            save_thumbnails(missing)
    tally.thumbnails += len(missing)


def _without_valid_row(rows: list[ThumbnailRow]) -> list[ThumbnailRow]:
    """Those rows for which no valid row exists: a row of our own renderer has more information."""
    stored = stored_thumbnails_of(list({row["image_id"] for row in rows}))
    return [
        row
        for row in rows
        if not is_valid(
            stored.get(row["image_id"], {}).get(row["label"]), row["scale"], row["source_version"]
        )
    ]


def _has_changed(known: Image, scanned: Image) -> bool:
    if known.source_version.startswith("etag:") and not scanned.source_version.startswith("etag:"):
        return known.byte_size != scanned.byte_size
    return not is_same_source(known.source_version, scanned.source_version)


def _is_wanted(record: Record, collections: Sequence[str]) -> bool:
    return not collections or record.collection in collections


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
