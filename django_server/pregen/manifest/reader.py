"""Read a manifest record by record, with constant memory. Also reads manifests of the earlier formats.

Decides which records and keys are valid. Reports and skips invalid records. `manifest.writer` writes the file. Used by
generate, report and the server's `register`.
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
    """The manifest without its records. `created_at` is timezone-aware, in UTC."""

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
        """Distinguishes this manifest from a later one of the same name. Each of its journals begins with it."""
        return self.created_at.isoformat()

    @property
    def storage(self) -> Storage:
        if self.storage_type == "s3":
            return Storage(self.s3_prefix, s3_endpoint=self.s3_endpoint, s3_bucket=self.s3_bucket)
        return Storage(self.s3_prefix, local_root=self.local_root)


@dataclass(frozen=True)
class ThumbnailRecord:
    """`scale`: the longest edge in pixels; 0 for a thumbnail with the file name of its original. `modified`: in UTC."""

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
        """The same as `StoredFile.version` of the original, until the original is written again."""
        return version_of(self.original_size, to_microseconds(self.original_modified), self.original_etag)


class _InvalidRecord(ValueError):
    """The record is invalid. The argument is the reason as a sentence."""


def read_head(path: Path) -> ManifestHead:
    """Read all fields except the records. The fields may have any order. Raises UnreadableManifest."""
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
    """Yield every valid record, in the order of the file. Raises UnreadableManifest.

    `on_rejected` gets the key of every invalid record and the reason, such as a key that leads out of the root.
    """
    for found in json_stream.read(path, lambda _name, _value: None):
        try:
            yield _record(found)
        except _InvalidRecord as failure:
            if on_rejected is not None:
                key = found.get("original_key") if isinstance(found, dict) else None
                on_rejected(key[:200] if isinstance(key, str) else "?", str(failure))


def check_key(key: object) -> str:
    """Return the key if it is valid and does not lead out of the root. Raises ValueError."""
    if not isinstance(key, str):
        raise _InvalidRecord("The key is missing.")
    if not key or len(key) > _MAX_KEY_CHARACTERS or "\0" in key:
        raise _InvalidRecord("The key is empty, too long or invalid.")
    if any(part in ("", ".", "..") for part in key.split("/")):
        raise _InvalidRecord("The key leads out of the archive.")
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
    # Earlier formats have local time without an offset. It is assumed to be the local time of this machine.
    return datetime.fromisoformat(top.get("created_at", "")).astimezone(UTC)


def _stats(name: str, found: dict[str, Any]) -> CollectionStats:
    fields = ("total_images", "with_thumbnails", "missing_thumbnails")
    bytes_fields = ("total_original_bytes", "total_thumbnail_bytes")
    return CollectionStats(name, *(int(found.get(field) or 0) for field in (*fields, *bytes_fields)))


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(value)
    return value


def _record(values: Any) -> Record:
    if not isinstance(values, dict):
        raise _InvalidRecord("The record is not an object.")
    key = check_key(values.get("original_key"))
    try:
        collection, filename = str(values["collection"]), str(values["filename"])
        modified, size = parse_timestamp(values["original_modified"]), int(values["original_size"])
        etag = str(values.get("original_etag") or "")
        base = str(values.get("base_thumbnail_key") or values.get("thumbnail_key") or "")
        thumbnails = _thumbnails(values, base)
    except (LookupError, ValueError, TypeError, OverflowError, AttributeError) as failure:
        raise _InvalidRecord("A field of the record is missing or invalid.") from failure
    if key.rpartition("/")[2] != filename or f"{collection}/originals/" not in key:
        raise _InvalidRecord("The key is not the key of an original in its collection.")
    return Record(key, size, modified, etag, base, collection, filename, thumbnails)


def _thumbnails(values: dict[str, Any], base: str) -> dict[int, ThumbnailRecord]:
    thumbnails = {
        int(scale): ThumbnailRecord(
            int(scale), str(thumbnail["key"]), int(thumbnail["size"]), parse_timestamp(thumbnail["modified"])
        )
        for scale, thumbnail in (values.get("thumbnails") or {}).items()
    }
    # An earlier format has one thumbnail, in fields of the record.
    if not thumbnails and values.get("thumbnail_exists") and values.get("thumbnail_modified"):
        size, modified = int(values.get("thumbnail_size") or 0), parse_timestamp(values["thumbnail_modified"])
        thumbnails[LEGACY_SCALE_PX] = ThumbnailRecord(LEGACY_SCALE_PX, base, size, modified)
    return thumbnails
