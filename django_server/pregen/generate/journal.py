"""The journal of `generate` for one manifest and size: a file of JSON lines.

It has a line for each finished thumbnail, which later runs then skip, and lines for failures and for the speed of each
run. The first line holds the manifest's `created_at`, which shows which manifest the journal belongs to. Each line is
written by one append, so several runs can write to the same file. Only this module knows the file format. `generate`,
`report` and the server's `register` use it.
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
    """One generated thumbnail. The `original_*` fields identify the content that it was rendered from.

    `original_modified_us`: microseconds since the epoch. Widths and heights are in pixels, after the EXIF orientation
    is applied.
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
    """The path of the journal: `manifest.json.200.journal` beside `manifest.json`."""
    return manifest.with_name(f"{manifest.name}.{scale_px}{_SUFFIX}")


def read_journals(manifest: Path) -> Iterator[GeneratedThumbnail]:
    """Yield all thumbnails that the journals beside this manifest list, of all sizes.

    Skips incomplete lines, and journals that belong to an earlier manifest of the same name. Raises UnreadableManifest,
    OSError.
    """
    # Imported here and not at the top, because code that only writes journals does not need the manifest reader.
    from pregen.manifest.reader import read_head

    identity = read_head(manifest).identity
    for path in sorted(manifest.parent.glob(f"{escape(manifest.name)}.*{_SUFFIX}")):
        yield from read_journal(path, identity)


def read_journal(path: Path, identity: str) -> Iterator[GeneratedThumbnail]:
    """As `read_journals`, for one journal. Yields nothing if the file does not exist."""
    for line in _read_lines(path, identity):
        if "thumbnail_key" in line:
            try:
                yield GeneratedThumbnail(
                    **{name: line[name] for name in GeneratedThumbnail.__dataclass_fields__}
                )
            except KeyError:
                continue


def last_rate(path: Path, identity: str) -> float | None:
    """The images per second of the last completed run; None if no run has been completed."""
    rate = None
    for line in _read_lines(path, identity):
        if line.get("run_seconds") and line.get("run_images"):
            rate = line["run_images"] / line["run_seconds"]
    return rate


class Journal:
    """One journal, open for appending. If the file is the journal of another manifest, it is emptied first."""

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
                # Empty the file, do not replace it with a new one: another run may have it open, and lines that it
                # appends later would go to the replaced file and be lost.
                os.ftruncate(self._descriptor, 0)
                self._append({"manifest_created_at": identity})
            elif os.pread(self._descriptor, 1, os.fstat(self._descriptor).st_size - 1) != b"\n":
                os.write(self._descriptor, b"\n")  # The last line is incomplete: end it.
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
        """Add the thumbnails of the journal."""
        digests = array(
            "Q",
            (_digest(entry.thumbnail_key, entry.original_version) for entry in read_journal(path, identity)),
        )
        self._digests = (
            array("Q", sorted([*self._digests, *digests])) if self._digests else _sorted_in_parts(digests)
        )

    def has(self, thumbnail_key: str, original_version: str) -> bool:
        digest = _digest(thumbnail_key, original_version)
        index = bisect_left(self._digests, digest)
        return index < len(self._digests) and self._digests[index] == digest

    def __len__(self) -> int:
        return len(self._digests)


def _sorted_in_parts(digests: "array[int]") -> "array[int]":
    """Sort in parts, because a list of a million digests takes 40 MB."""
    parts = [array("Q", sorted(digests[at : at + 50_000])) for at in range(0, len(digests), 50_000)]
    return array("Q", merge(*parts))


def _digest(thumbnail_key: str, original_version: str) -> int:
    # The chance that any two of a million thumbnails have the same 64 bits is one in 37 million.
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
    """The JSON object in the line; {} if the line is incomplete."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}
