"""The journal of a generate run: one line for each finished thumbnail, so that the next run can skip it.

One file per manifest and size, JSON lines, with the manifest's `created_at` in the first line. A line is one append, so
several runs can share a file. Owns the file format. Used by generate, report and the server's `register`.
"""

import errno
import fcntl
import json
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from glob import escape
from hashlib import blake2b
from heapq import merge
from pathlib import Path
from typing import Any

from filestore.store import version_of
from pregen.errors import StoreFailure, sentence_of

_SUFFIX = ".journal"
_MAX_LINE_BYTES = 64 << 10


@dataclass(frozen=True)
class GeneratedThumbnail:
    """One generated thumbnail. `original_*` identify the bytes that it was rendered from.

    `original_modified_us`: microseconds since the epoch. Widths and heights in pixels, as displayed.
    """

    original_key: str
    original_size: int
    original_modified_us: int
    original_etag: str
    scale: int
    thumbnail_key: str
    byte_size: int
    width: int
    height: int
    original_width: int
    original_height: int

    @property
    def original_version(self) -> str:
        return version_of(self.original_size, self.original_modified_us, self.original_etag)


def path_for(manifest: Path, scale_px: int) -> Path:
    """`manifest.json` → `manifest.json.200.journal`."""
    return manifest.with_name(f"{manifest.name}.{scale_px}{_SUFFIX}")


def read_journals(manifest: Path) -> Iterator[GeneratedThumbnail]:
    """Stream all thumbnails that the journals beside this manifest list, of all sizes.

    Skips torn lines, and journals of another manifest of the same name. Raises UnreadableManifest, OSError.
    """
    # Imported here: it loads the manifest reader, which writers of journals do not need.
    from pregen.manifest.reader import read_head

    identity = read_head(manifest).identity
    for path in sorted(manifest.parent.glob(f"{escape(manifest.name)}.*{_SUFFIX}")):
        yield from read_journal(path, identity)


def read_journal(path: Path, identity: str) -> Iterator[GeneratedThumbnail]:
    """As `read_journals`, for one journal. A missing file has no entries."""
    for line in _read_lines(path, identity):
        if "thumbnail_key" in line:
            try:
                yield GeneratedThumbnail(
                    **{name: line[name] for name in GeneratedThumbnail.__dataclass_fields__}
                )
            except KeyError:
                continue


def last_rate(path: Path, identity: str) -> float | None:
    """Images per second of the last completed run, None if there is none."""
    rate = None
    for line in _read_lines(path, identity):
        if line.get("run_seconds") and line.get("run_images"):
            rate = line["run_images"] / line["run_seconds"]
    return rate


class Journal:
    """One journal, open for appending. If it belongs to another manifest, it is truncated first."""

    def __init__(self, path: Path, identity: str) -> None:
        """Raises StoreFailure."""
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            self._begin(identity)
        except OSError as failure:
            raise StoreFailure(f"The journal {path} can't be written. {sentence_of(failure)}") from failure

    def add(self, thumbnail: GeneratedThumbnail) -> None:
        self._append(asdict(thumbnail))

    def add_failure(self, original_key: str, version: str, code: str, cause: str) -> None:
        self._append(
            {"original_key": original_key, "original_version": version, "code": code, "cause": cause}
        )

    def add_run(self, images: int, seconds: float) -> None:
        """Record the rate of a run, for the estimate of the next one."""
        self._append({"run_images": images, "run_seconds": round(seconds, 3)})

    def close(self) -> None:
        os.close(self._descriptor)

    def _begin(self, identity: str) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            head = os.pread(self._descriptor, _MAX_LINE_BYTES, 0).partition(b"\n")[0]
            if _parsed(head).get("manifest_created_at") != identity:
                # In place, because another run may have the file open: its lines follow.
                os.ftruncate(self._descriptor, 0)
                self._append({"manifest_created_at": identity})
            elif os.pread(self._descriptor, 1, os.fstat(self._descriptor).st_size - 1) != b"\n":
                os.write(self._descriptor, b"\n")  # ends a torn line
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _append(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        if os.write(self._descriptor, text) < len(text):
            raise OSError(errno.ENOSPC, "The disk is full")


class FinishedThumbnails:
    """The set of finished thumbnails, as 8-byte digests: a million take 8 MB."""

    def __init__(self) -> None:
        self._digests = array("Q")

    def read(self, path: Path, identity: str) -> None:
        """Add the entries of the journal."""
        marks = array(
            "Q", (_digest(one.thumbnail_key, one.original_version) for one in read_journal(path, identity))
        )
        self._digests = (
            array("Q", sorted([*self._digests, *marks])) if self._digests else _sorted_in_parts(marks)
        )

    def has(self, thumbnail_key: str, original_version: str) -> bool:
        mark = _digest(thumbnail_key, original_version)
        place = bisect_left(self._digests, mark)
        return place < len(self._digests) and self._digests[place] == mark

    def __len__(self) -> int:
        return len(self._digests)


def _sorted_in_parts(marks: "array[int]") -> "array[int]":
    """Sort in parts: as a list, a million would take 40 MB."""
    parts = [array("Q", sorted(marks[at : at + 50_000])) for at in range(0, len(marks), 50_000)]
    return array("Q", merge(*parts))


def _digest(thumbnail_key: str, original_version: str) -> int:
    # The chance that two of a million share 64 bits is one in 37 million.
    return int.from_bytes(
        blake2b(f"{thumbnail_key}\0{original_version}".encode(), digest_size=8).digest(), "big"
    )


def _read_lines(path: Path, identity: str) -> Iterator[dict[str, Any]]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        if _parsed(file.readline(_MAX_LINE_BYTES)).get("manifest_created_at") != identity:
            return
        while line := file.readline(_MAX_LINE_BYTES):
            yield _parsed(line)


def _parsed(line: bytes) -> dict[str, Any]:
    """The object in the line; empty for a torn line."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
