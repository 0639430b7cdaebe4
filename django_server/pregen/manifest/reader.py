"""Read a manifest record by record, with constant memory. Older and legacy forms load too.

Decides which records and keys are valid; invalid ones are reported and skipped. `manifest.writer` writes the file. Used
by generate, report and the server's `register`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filestore.store import version_of
from pregen.errors import UnreadableManifest
from pregen.manifest import json_stream
from pregen.manifest.head_and_tail import read_without_records
from pregen.manifest.timestamps import parse_timestamp, to_microseconds
from pregen.storage import DEFAULT_PREFIX, Storage

LEGACY_SCALE_PX = 200
_MAX_KEY_CHARACTERS = 4_096


@dataclass(frozen=True)
class CollectionStats:
    name: str
    total_images: int
    with_thumbnails: int
    missing_thumbnails: int
    total_original_bytes: int
    total_thumbnail_bytes: int


@dataclass(frozen=True)
class ManifestHead:
    """The manifest without its records. `created_at` is aware, in UTC."""

    created_at: datetime
    storage_type: str
    local_root: str | None
    s3_endpoint: str | None
    s3_bucket: str | None
    s3_prefix: str
    collections: tuple[str, ...]
    collection_stats: Mapping[str, CollectionStats]
    scan_duration_seconds: float

    @property
    def identity(self) -> str:
        """Distinguishes this manifest from a later one of the same name: the first line of its journals."""
        return self.created_at.isoformat()

    @property
    def storage(self) -> Storage:
        if self.storage_type == "s3":
            return Storage(self.s3_prefix, s3_endpoint=self.s3_endpoint, s3_bucket=self.s3_bucket)
        return Storage(self.s3_prefix, local_root=self.local_root)


@dataclass(frozen=True)
class ThumbnailRecord:
    """`scale`: requested pixels, 0 for a file with the original's own name. `modified`: in UTC."""

    scale: int
    key: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Record:
    """One original and its thumbnails by scale."""

    original_key: str
    original_size: int
    original_modified: datetime
    original_etag: str
    base_thumbnail_key: str
    collection: str
    filename: str
    thumbnails: Mapping[int, ThumbnailRecord] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Equals `StoredFile.version` of the original until that is written again."""
        return version_of(self.original_size, to_microseconds(self.original_modified), self.original_etag)


class _InvalidRecord(ValueError):
    """An invalid record; the argument is the reason."""


def read_head(path: Path) -> ManifestHead:
    """Read everything except the records, wherever in the file it is. Raises UnreadableManifest."""
    top = read_without_records(path)
    if top is None:
        top = {}
        for _ in json_stream.read(path, top.__setitem__):
            pass
    try:
        return _head(top)
    except (ValueError, TypeError, OverflowError) as failure:
        raise UnreadableManifest(
            f"{path} is not a manifest: it does not say when it was created, or a field is invalid."
        ) from failure


def records(path: Path, on_rejected: Callable[[str, str], None] | None = None) -> Iterator[Record]:
    """Every valid record, in the order of the file. Raises UnreadableManifest.

    `on_rejected` gets the key and the reason of every invalid one, for example a key that leads out of the root.
    """
    for found in json_stream.read(path, lambda _name, _value: None):
        try:
            yield _record(found)
        except _InvalidRecord as failure:
            if on_rejected is not None:
                key = found.get("original_key") if isinstance(found, dict) else None
                on_rejected(key[:200] if isinstance(key, str) else "?", str(failure))


def check_key(key: object) -> str:
    """Return the key if it stays below the root. Raises ValueError."""
    if not isinstance(key, str):
        raise _InvalidRecord("Its key is missing.")
    if not key or len(key) > _MAX_KEY_CHARACTERS or "\0" in key:
        raise _InvalidRecord("Its key is empty, too long or invalid.")
    if any(part in ("", ".", "..") for part in key.split("/")):
        raise _InvalidRecord("Its key leads out of the archive.")
    return key


def _head(top: dict[str, Any]) -> ManifestHead:
    root, bucket = _text(top.get("local_root")), _text(top.get("s3_bucket"))
    kind = top.get("storage_type") or ("s3" if bucket and not root else "local")
    if kind not in ("local", "s3"):
        raise ValueError(kind)
    prefix = _text(top.get("s3_prefix"))
    stats = top.get("collection_stats") or {}
    return ManifestHead(
        created_at=_created_at(top),
        storage_type=kind,
        local_root=root,
        s3_endpoint=_text(top.get("s3_endpoint")),
        s3_bucket=bucket,
        s3_prefix=DEFAULT_PREFIX if prefix is None else prefix.strip("/"),
        collections=tuple(str(name) for name in top.get("collections") or stats),
        collection_stats={name: _stats(name, found) for name, found in stats.items()},
        scan_duration_seconds=float(top.get("scan_duration_seconds") or 0),
    )


def _created_at(top: dict[str, Any]) -> datetime:
    exact = top.get("created_at_utc")
    if isinstance(exact, str):
        return parse_timestamp(exact)
    # Without an offset it is local time of the scanning machine, taken to be this one.
    return datetime.fromisoformat(top.get("created_at", "")).astimezone(UTC)


def _stats(name: str, found: dict[str, Any]) -> CollectionStats:
    fields = ("total_images", "with_thumbnails", "missing_thumbnails")
    bytes_fields = ("total_original_bytes", "total_thumbnail_bytes")
    return CollectionStats(name, *(int(found.get(field) or 0) for field in (*fields, *bytes_fields)))


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(value)
    return value


def _record(found: Any) -> Record:
    if not isinstance(found, dict):
        raise _InvalidRecord("It is not an object.")
    key = check_key(found.get("original_key"))
    try:
        collection, filename = str(found["collection"]), str(found["filename"])
        modified, size = parse_timestamp(found["original_modified"]), int(found["original_size"])
        etag = str(found.get("original_etag") or "")
        base = str(found.get("base_thumbnail_key") or found.get("thumbnail_key") or "")
        thumbnails = _thumbnails(found, base)
    except (LookupError, ValueError, TypeError, OverflowError, AttributeError) as failure:
        raise _InvalidRecord("A field of the record is missing or invalid.") from failure
    if key.rpartition("/")[2] != filename or f"{collection}/originals/" not in key:
        raise _InvalidRecord("Its key is not that of an original of its collection.")
    return Record(key, size, modified, etag, base, collection, filename, thumbnails)


def _thumbnails(found: dict[str, Any], base: str) -> dict[int, ThumbnailRecord]:
    made = {
        int(scale): ThumbnailRecord(
            int(scale), str(one["key"]), int(one["size"]), parse_timestamp(one["modified"])
        )
        for scale, one in (found.get("thumbnails") or {}).items()
    }
    if not made and found.get("thumbnail_exists") and found.get("thumbnail_modified"):
        size, modified = int(found.get("thumbnail_size") or 0), parse_timestamp(found["thumbnail_modified"])
        made[LEGACY_SCALE_PX] = ThumbnailRecord(LEGACY_SCALE_PX, base, size, modified)
    return made
