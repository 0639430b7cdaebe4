"""What the reports count, in one pass over the records and in flat memory. Pure but for reading the manifest.

Used by `report`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pregen.manifest.reader import CollectionStats, Record


@dataclass
class ScaleTally:
    """Thumbnails of one scale."""

    count: int = 0
    byte_size: int = 0


@dataclass
class CollectionTally:
    """`to_generate`: images that generate would make a thumbnail of, at the size asked for."""

    name: str
    images: int = 0
    with_thumbnails: int = 0
    original_bytes: int = 0
    thumbnail_bytes: int = 0
    to_generate: int = 0
    scales: dict[int, ScaleTally] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return self.images - self.with_thumbnails

    def add(self, record: Record, scale_px: int | None) -> None:
        """Count the record; as one with a thumbnail if it has one of `scale_px`, or of any size for None."""
        self.images += 1
        self.original_bytes += record.original_size
        self.with_thumbnails += bool(record.thumbnails) if scale_px is None else scale_px in record.thumbnails
        for thumbnail in record.thumbnails.values():
            self.thumbnail_bytes += thumbnail.size
            tally = self.scales.setdefault(thumbnail.scale, ScaleTally())
            tally.count += 1
            tally.byte_size += thumbnail.size


def from_stats(stats: Iterable[CollectionStats]) -> list[CollectionTally]:
    """What the manifest's own statistics say, without looking at the records."""
    return [
        CollectionTally(
            one.name,
            one.total_images,
            one.with_thumbnails,
            one.total_original_bytes,
            one.total_thumbnail_bytes,
        )
        for one in stats
    ]


def overall(tallies: Iterable[CollectionTally]) -> CollectionTally:
    total = CollectionTally("TOTAL")
    for one in tallies:
        total.images += one.images
        total.with_thumbnails += one.with_thumbnails
        total.original_bytes += one.original_bytes
        total.thumbnail_bytes += one.thumbnail_bytes
        total.to_generate += one.to_generate
        for scale, tally in one.scales.items():
            sum_of = total.scales.setdefault(scale, ScaleTally())
            sum_of.count += tally.count
            sum_of.byte_size += tally.byte_size
    return total
