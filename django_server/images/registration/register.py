"""Making rows of a manifest's images, a thousand at a time: run again, it changes only what has changed.

Three to six statements a thousand records, one transaction each; a run that was interrupted is simply started again.
What `pregen generate` made since the scan is read from its journal after the manifest. Called by `manage.py register`.
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
    thumbnails_made,
    thumbnails_of,
)
from images.registration.storage_match import refuse_other_storage
from images.rows import ThumbnailRow
from images.thumbnail_rules import is_valid
from images.thumbnails.upsert import save_thumbnails
from pregen.generate.journal import GeneratedThumbnail, read_journals
from pregen.manifest.reader import Record, read_head, records

CHUNK = 1000
T = TypeVar("T")


@dataclass
class Tally:
    """What became of the records: counts, and the first keys of those that became no rows, with the reasons."""

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
    """Make rows of the manifest's images; of these collections only, where some are named.

    `progress` is told how many records were read since it was last called. Without `apply` nothing is written. Raises
    OtherStorage, and what pregen raises for a manifest that can't be read.
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
    told = _images_of(chunk, tally)
    with transaction.atomic():
        known = Image.objects.in_bulk(list(told))
        new = [image for id_, (_, image) in told.items() if id_ not in known]
        changed = [
            image for id_, (_, image) in told.items() if id_ in known and _has_changed(known[id_], image)
        ]
        # Of what is known and the same, the row's own version counts: it may name the bytes more exactly.
        valid = {**{id_: image for id_, (_, image) in told.items()}, **known}
        valid |= {image.id: image for image in changed}
        thumbnails = _not_there(
            [row for id_, (record, _) in told.items() for row in thumbnails_of(record, valid[id_])]
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
    tally.unchanged += len(told) - len(new) - len(changed)
    tally.thumbnails += len(thumbnails)


def _images_of(chunk: Sequence[Record], tally: Tally) -> dict[UUID, tuple[Record, Image]]:
    told = {}
    for record in chunk:
        try:
            image = image_of(record)
        except NotRegistered as reason:
            tally.skip(record.original_key, str(reason))
        else:
            told[image.id] = (record, image)
    return told


def _write_made(chunk: Sequence[GeneratedThumbnail], tally: Tally, *, apply: bool) -> None:
    with transaction.atomic():
        known = Image.objects.in_bulk({id_of(one.original_key) for one in chunk})
        rows: dict[tuple[UUID, str], ThumbnailRow] = {}
        measured: dict[UUID, Image] = {}
        for one in chunk:
            image = known.get(id_of(one.original_key))
            for row in thumbnails_made(one, image) if image is not None else ():
                rows[row["image_id"], row["label"]] = row
                if image is not None and image.width is None:
                    image.width, image.height = one.original_width, one.original_height
                    measured[image.id] = image
        missing = _not_there(list(rows.values()))
        if apply:
            Image.objects.bulk_update(measured.values(), ["width", "height"])
            save_thumbnails(missing)
    tally.thumbnails += len(missing)


def _not_there(rows: list[ThumbnailRow]) -> list[ThumbnailRow]:
    """Those that no valid row stands for already: one that we made ourselves knows more."""
    stored = stored_thumbnails_of(list({row["image_id"] for row in rows}))
    return [
        row
        for row in rows
        if not is_valid(
            stored.get(row["image_id"], {}).get(row["label"]), row["scale"], row["source_version"]
        )
    ]


def _has_changed(known: Image, told: Image) -> bool:
    if known.source_version.startswith("etag:") and not told.source_version.startswith("etag:"):
        return known.byte_size != told.byte_size
    return not is_same_source(known.source_version, told.source_version)


def _is_wanted(record: Record, collections: Sequence[str]) -> bool:
    return not collections or record.collection in collections


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
