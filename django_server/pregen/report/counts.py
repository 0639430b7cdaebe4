"""Count images and thumbnails for the reports, in one pass over the records, with constant memory.

Used by `print_report`.
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
    """`to_generate`: the number of images for which generate would render the requested size."""

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
        """Count the record. `scale_px`: the size for which `with_thumbnails` counts it; None: any size."""
        self.images += 1
        self.original_bytes += record.original_size
        self.with_thumbnails += bool(record.thumbnails) if scale_px is None else scale_px in record.thumbnails
        for thumbnail in record.thumbnails.values():
            self.thumbnail_bytes += thumbnail.size
            tally = self.scales.setdefault(thumbnail.scale, ScaleTally())
            tally.count += 1
            tally.byte_size += thumbnail.size


def from_stats(stats: Iterable[CollectionStats]) -> list[CollectionTally]:
    """The counts from the statistics of a manifest, without reading its records."""
    return [
        CollectionTally(
            collection.name,
            collection.total_images,
            collection.with_thumbnails,
            collection.total_original_bytes,
            collection.total_thumbnail_bytes,
        )
        for collection in stats
    ]


def overall(tallies: Iterable[CollectionTally]) -> CollectionTally:
    """The sum over all collections."""
    total = CollectionTally("TOTAL")
    for collection in tallies:
        total.images += collection.images
        total.with_thumbnails += collection.with_thumbnails
        total.original_bytes += collection.original_bytes
        total.thumbnail_bytes += collection.thumbnail_bytes
        total.to_generate += collection.to_generate
        for scale, tally in collection.scales.items():
            sum_of = total.scales.setdefault(scale, ScaleTally())
            sum_of.count += tally.count
            sum_of.byte_size += tally.byte_size
    return total
