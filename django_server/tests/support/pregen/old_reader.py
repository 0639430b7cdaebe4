"""A manifest reader like those of existing clients, which reject additional keys."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass
class OldThumbnail:
    scale: int
    key: str
    size: int
    modified: datetime


@dataclass
class OldStats:
    name: str
    total_images: int
    with_thumbnails: int
    missing_thumbnails: int
    total_original_bytes: int
    total_thumbnail_bytes: int


def load(text: str) -> tuple[dict[str, OldStats], list[dict[str, Any]]]:
    """Statistics and records. Raises TypeError for an additional key, KeyError for a missing one."""
    found = json.loads(text)
    created = datetime.fromisoformat(found["created_at"])
    # It subtracts from its own naive clock, which fails for an aware time.
    assert datetime.now() - created is not None  # noqa: DTZ005
    for name in (
        "storage_type",
        "s3_endpoint",
        "s3_bucket",
        "s3_prefix",
        "local_root",
        "scan_duration_seconds",
    ):
        found[name]
    stats = {name: OldStats(**one) for name, one in found["collection_stats"].items()}
    records = []
    for record in found["records"]:
        for name in ("original_key", "original_size", "base_thumbnail_key", "collection", "filename"):
            record[name]
        datetime.fromisoformat(record["original_modified"])
        thumbnails = {}
        for scale, one in record["thumbnails"].items():
            modified = datetime.fromisoformat(one.pop("modified"))
            thumbnails[int(scale)] = OldThumbnail(**one, modified=modified)
        records.append({**record, "thumbnails": thumbnails})
    return stats, records
