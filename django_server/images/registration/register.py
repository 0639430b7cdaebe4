"""Write the rows of a manifest's images, in transactions of 1,000 records and three to six SQL statements.

Idempotent: a second run writes only changes, and completes an interrupted run. The thumbnails that `pregen generate`
has generated since the scan are read from its journal, after the manifest. Called by `manage.py register`.
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
    """The result: counts of records and thumbnails, and for each reason to skip records the first key as an example."""

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
    """Write the rows of the manifest's images, only those of `collections` unless it is empty.

    `progress` gets the number of records read since its last call. Without `apply` nothing is written. Raises
    OtherStorage, and PregenError for an unreadable manifest.
    """
    refuse_other_storage(read_head(manifest))
    tally = Tally()
    for chunk in _chunks(records(manifest, tally.skip)):
        _write([record for record in chunk if _is_wanted(record, collections)], tally, apply=apply)
        progress(len(chunk))
    for generated_chunk in _chunks(read_journals(manifest)):
        _write_generated(generated_chunk, tally, apply=apply)
    return tally


def _write(chunk: Sequence[Record], tally: Tally, *, apply: bool) -> None:
    records_by_id = _images_of(chunk, tally)
    with transaction.atomic():
        existing = Image.objects.in_bulk(list(records_by_id))
        new = [image for id_, (_, image) in records_by_id.items() if id_ not in existing]
        changed = [
            image
            for id_, (_, image) in records_by_id.items()
            if id_ in existing and _has_changed(existing[id_], image)
        ]
        # Unchanged images keep the version of their row, because it may identify the bytes more exactly.
        images = {**{id_: image for id_, (_, image) in records_by_id.items()}, **existing}
        images |= {image.id: image for image in changed}
        thumbnails = _without_valid_row(
            [row for id_, (record, _) in records_by_id.items() for row in thumbnails_of(record, images[id_])]
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
    """The records that can be registered, with their unsaved rows, by image id. The others are added to the tally."""
    records_by_id = {}
    for record in chunk:
        try:
            image = image_of(record)
        except NotRegistered as reason:
            tally.skip(record.original_key, str(reason))
        else:
            records_by_id[image.id] = (record, image)
    return records_by_id


def _write_generated(chunk: Sequence[GeneratedThumbnail], tally: Tally, *, apply: bool) -> None:
    """Write the rows of generated thumbnails, and the original's width and height where they are unknown."""
    with transaction.atomic():
        images = Image.objects.in_bulk({id_of(generated.original_key) for generated in chunk})
        rows: dict[tuple[UUID, str], ThumbnailRow] = {}
        measured: dict[UUID, Image] = {}
        for generated in chunk:
            image = images.get(id_of(generated.original_key))
            for row in rows_of_generated(generated, image) if image is not None else ():
                rows[row["image_id"], row["label"]] = row
                if image is not None and image.width is None:
                    image.width, image.height = generated.original_width, generated.original_height
                    measured[image.id] = image
        missing = _without_valid_row(list(rows.values()))
        if apply:
            Image.objects.bulk_update(measured.values(), ["width", "height"])
            save_thumbnails(missing)
    tally.thumbnails += len(missing)


def _without_valid_row(rows: list[ThumbnailRow]) -> list[ThumbnailRow]:
    """The `rows` that have no valid row in the database. A row of the app's own renderer has more information."""
    stored = stored_thumbnails_of(list({row["image_id"] for row in rows}))
    return [
        row
        for row in rows
        if not is_valid(
            stored.get(row["image_id"], {}).get(row["label"]), row["scale"], row["source_version"]
        )
    ]


def _has_changed(existing: Image, scanned: Image) -> bool:
    """Whether the original has changed since its row was written. An etag in the row stays if the sizes are equal."""
    if existing.source_version.startswith("etag:") and not scanned.source_version.startswith("etag:"):
        return existing.byte_size != scanned.byte_size
    return not is_same_source(existing.source_version, scanned.source_version)


def _is_wanted(record: Record, collections: Sequence[str]) -> bool:
    return not collections or record.collection in collections


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
