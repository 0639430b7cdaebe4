"""Write a manifest record by record, with constant memory, and replace an older manifest atomically.

Owns the format, which equals the output of `json.dump(..., indent=2)` byte for byte. This module formats the records
itself, because a scan writes millions of them. The statistics stand before the records but are complete only after the
last record, so the records are written to a temporary file (the spool) first.
"""

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import TextIO

from filestore.keys import ORIGINALS, THUMBNAILS
from pregen.manifest.reader import CollectionStats
from pregen.manifest.timestamps import format_timestamp
from pregen.scan.matching import MatchedImages, Thumbnails
from pregen.storage import Storage


@dataclass(frozen=True)
class Scan:
    """The values of a manifest other than its records. `created_at` is timezone-aware."""

    created_at: datetime
    storage: Storage
    collections: tuple[str, ...]
    collection_stats: Mapping[str, CollectionStats]
    scan_duration_seconds: float


class RecordsFile:
    """The temporary file with the formatted records."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._separator = ""

    def add(self, prefix: str, collection: str, matched: MatchedImages) -> None:
        """Append the records of one folder."""
        head = f"{prefix}/{collection}" if prefix else collection
        folder = f"/{matched.folder}" if matched.folder else ""
        originals = quoted(f"{head}/{ORIGINALS}{folder}/")[:-1]
        thumbnails = quoted(f"{head}/{THUMBNAILS}{folder}/")[:-1]
        quoted_collection = quoted(collection)
        found_of = matched.thumbnails.get
        texts = []
        for name, size, modified_ns, etag in matched.originals:
            quoted_name = quoted(name)
            bare_name = quoted_name[1:]
            found = found_of(name)
            texts.append(
                f'    {{\n      "original_key": {originals}{bare_name},\n      "original_size": {size},\n'
                f'      "original_modified": "{format_timestamp(modified_ns // 1000)}",\n'
                + (f'      "original_etag": {quoted(etag)},\n' if etag else "")
                + f'      "base_thumbnail_key": {thumbnails}{bare_name},\n      "collection": {quoted_collection},\n'
                f'      "filename": {quoted_name},\n      "thumbnails": '
                + (_thumbnails_text(found, thumbnails) if found else "{}")
                + "\n    }"
            )
        self._file.write(self._separator + ",\n".join(texts))
        self._separator = ",\n"


def _thumbnails_text(found: Thumbnails, folder: str) -> str:
    texts = [
        f'        "{scale}": {{\n          "scale": {scale},\n          "key": {folder}{quoted(file[0])[1:]},\n'
        f'          "size": {file[1]},\n          "modified": "{format_timestamp(file[2] // 1000)}"\n        }}'
        for scale, file in (sorted(found.items()) if len(found) > 1 else found.items())
    ]
    return "{\n" + ",\n".join(texts) + "\n      }"


class ManifestWriter:
    """Collects records, then writes the manifest to `path`."""

    def __init__(self, path: Path, spool: TextIO) -> None:
        self._path = path
        self._spool = spool
        self.records = RecordsFile(spool)

    def finish(self, scan: Scan) -> None:
        """Write the manifest and replace an older manifest atomically. Raises OSError."""
        temporary = self._path.parent / f".{self._path.name}.{uuid.uuid4().hex}.part~"
        try:
            with temporary.open("xb") as file:
                self._spool.flush()
                self._spool.seek(0)
                before, after = _around_records(scan, empty=os.fstat(self._spool.fileno()).st_size == 0)
                file.write(before)
                shutil.copyfileobj(self._spool.buffer, file, 1 << 20)
                file.write(after)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self._path)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


@contextmanager
def writing_manifest(path: Path) -> Iterator[ManifestWriter]:
    """Yields a writer. Only its method `finish` changes the file at `path`. Raises OSError."""
    # The spool is in the folder of the manifest, because /tmp may be too small for it.
    with tempfile.TemporaryFile("w+", dir=path.parent, encoding="ascii", newline="\n") as spool:
        yield ManifestWriter(path, spool)


def _around_records(scan: Scan, *, empty: bool) -> tuple[bytes, bytes]:
    """The bytes before and after the records."""
    top: dict[str, object] = {
        # Local time without an offset: existing readers compare it with their local time.
        "created_at": scan.created_at.astimezone().replace(tzinfo=None).isoformat(),
        "created_at_utc": scan.created_at.astimezone(UTC).isoformat(),
        "storage_type": scan.storage.type,
        "s3_endpoint": scan.storage.s3_endpoint,
        "s3_bucket": scan.storage.s3_bucket,
        "s3_prefix": scan.storage.prefix,
        "local_root": scan.storage.local_root,
        "collections": list(scan.collections),
        "collection_stats": {name: vars(stats) for name, stats in scan.collection_stats.items()},
    }
    text = json.dumps(top, indent=2).removesuffix("\n}") + ',\n  "records": ['
    duration = f',\n  "scan_duration_seconds": {scan.scan_duration_seconds!r}\n}}\n'
    if empty:
        return text.encode(), ("]" + duration).encode()
    return (text + "\n").encode(), ("\n  ]" + duration).encode()
