"""Generate the thumbnails of one image: check, read, render, write. Failures of the image are returned, not raised.

Owns the order of these steps and the message for each failure. The caller chooses the process that renders. Used by
all three executors.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any, BinaryIO

import imaging
from filestore.keys import thumbnail_format
from filestore.store import Store, StoredFile
from pregen.errors import sentence_of
from pregen.generate.journal import GeneratedThumbnail
from pregen.generate.render_requests import RenderRequest

QUALITY = 85  # of JPEG; the quality of existing archives
# Archives hold scans and panoramas. A JPEG is decoded at 1/2 to 1/8 scale, a TIFF or PNG above 200 Mpx in strips; all
# others are decoded whole, at up to 4 bytes a pixel: 800 MB a worker.
LIMITS = imaging.Limits(
    pixels=200_000_000,
    pixels_in_strips=600_000_000,
    pixels_baseline_jpeg=2_000_000_000,
    pixels_progressive_jpeg=200_000_000,
)

Render = Callable[
    [BinaryIO, Mapping[str, int], Mapping[str, BinaryIO], imaging.OutputFormat], imaging.Rendering
]
"""Render thumbnails (label → pixels) of an open image into open files. Raises ImagingError, OSError, RenderFailed."""


class RenderFailed(Exception):
    """The renderer failed, not the image: `code`, and a message."""

    def __init__(self, code: str, cause: str) -> None:
        super().__init__(code, cause)
        self.code, self.cause = code, cause


@dataclass(frozen=True)
class Failure:
    """`code` is stable, `cause` is a message for people."""

    code: str
    cause: str


@dataclass(frozen=True)
class Outcome:
    """The result of a request: generated thumbnails, scales that existed already, or the failure."""

    request: RenderRequest
    made: tuple[GeneratedThumbnail, ...] = ()
    skipped: tuple[int, ...] = ()
    failure: Failure | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "job": self.request.as_json(),
            "made": [vars(one) for one in self.made],
            "skipped": self.skipped,
            "failure": vars(self.failure) if self.failure else None,
        }

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Outcome":
        failure = found["failure"]
        return cls(
            RenderRequest.from_json(found["job"]),
            tuple(GeneratedThumbnail(**one) for one in found["made"]),
            tuple(found["skipped"]),
            Failure(**failure) if failure else None,
        )


KnownThumbnails = Mapping[str, StoredFile | None]
"""Metadata of thumbnails by key, None for a missing one. Keys that are not in it are unknown."""


def stat_many(requests: Iterable[RenderRequest], store: Store) -> KnownThumbnails:
    """The metadata of the requests' thumbnails with one request to the store, where it supports that (S3)."""
    try:
        return store.stat_many(key for request in requests for key in request.targets.values())
    except (OSError, ValueError):
        return {}  # then `generate_image` checks each one and reports its own failure


def generate_image(
    request: RenderRequest, store: Store, render: Render, *, skip_existing: bool, known: KnownThumbnails
) -> Outcome:
    """Generate the requested thumbnails and store each atomically. Any failure of this image is in the outcome.

    `known`: the result of `stat_many`; thumbnails that are not in it are checked one by one.
    """
    skipped: list[int] = []
    try:
        if skip_existing:
            skipped = [
                scale for scale, key in request.targets.items() if _is_current(store, key, request, known)
            ]
        pending = {scale: key for scale, key in request.targets.items() if scale not in skipped}
        made = _generate(request, pending, store, render) if pending else ()
    except imaging.ImagingError as failure:
        return Outcome(request, (), tuple(skipped), Failure(failure.code, failure.message))
    except RenderFailed as failure:
        return Outcome(request, (), tuple(skipped), Failure(failure.code, failure.cause))
    except (OSError, ValueError) as failure:
        return Outcome(request, (), tuple(skipped), _failure_of(failure))
    return Outcome(request, made, tuple(skipped))


def _is_current(store: Store, key: str, request: RenderRequest, known: KnownThumbnails) -> bool:
    """Whether the thumbnail exists and is not older than its original."""
    try:
        found = known[key] if key in known else store.stat(key)
    except FileNotFoundError:
        return False
    if found is None:
        return False
    if found.etag:  # S3 gives seconds here, and the original's milliseconds in its listing
        return found.modified_ns // 1_000_000_000 >= request.modified_us // 1_000_000
    return found.modified_ns // 1000 >= request.modified_us


def _generate(
    request: RenderRequest, pending: dict[int, str], store: Store, render: Render
) -> tuple[GeneratedThumbnail, ...]:
    try:
        stored, source = store.fetch(request.original_key)
    except FileNotFoundError as failure:
        raise RenderFailed("missing_original", "The original no longer exists.") from failure
    except (IsADirectoryError, NotADirectoryError) as failure:
        raise RenderFailed("missing_original", "The original is not a file.") from failure
    except OSError as failure:
        raise RenderFailed(
            "unreadable_original", f"The original can't be read: {sentence_of(failure)}"
        ) from failure
    scales = {str(scale): scale for scale in pending}
    output_format = thumbnail_format(next(iter(pending.values())).rpartition(".")[2])
    with source, ExitStack() as targets:
        files = {str(scale): targets.enter_context(store.writing(key)) for scale, key in pending.items()}
        rendering = render(source, scales, files, output_format)
    return tuple(_generated(request, stored, rendering, scale, key) for scale, key in pending.items())


def _generated(
    request: RenderRequest, stored: StoredFile, rendering: imaging.Rendering, scale: int, key: str
) -> GeneratedThumbnail:
    one = rendering.thumbnails[str(scale)]
    return GeneratedThumbnail(
        request.original_key,
        stored.byte_size,
        stored.modified_ns // 1000,
        stored.etag,
        scale,
        key,
        one.byte_size,
        one.width,
        one.height,
        rendering.width,
        rendering.height,
    )


def _failure_of(failure: OSError | ValueError) -> Failure:
    if isinstance(failure, OSError):
        return Failure("storage_failed", f"The thumbnail can't be written: {sentence_of(failure)}")
    return Failure("invalid_key", "Its key is not valid in this archive.")


def serialised(render: Render) -> Render:
    """Serialise a Render between threads, so that only one image is in memory."""
    rendering = threading.Lock()

    def render_alone(*arguments: Any) -> imaging.Rendering:
        with rendering:
            return render(*arguments)

    return render_alone


def render_in_this_process(
    source: BinaryIO,
    scales: Mapping[str, int],
    files: Mapping[str, BinaryIO],
    output_format: imaging.OutputFormat,
) -> imaging.Rendering:
    """A Render in the calling process."""
    return imaging.render(
        source,
        scales,
        quality=QUALITY,
        output_format=output_format,
        open_target=lambda label: nullcontext(files[label]),
        limits=LIMITS,
    )
