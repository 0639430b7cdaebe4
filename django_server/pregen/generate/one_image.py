"""Generate the thumbnails of one image: check, read, render, write. Failures of the image are returned, not raised.

Owns the order of these steps and the message of each failure. The caller passes the function that renders, and so
chooses the process. Used by all three executors.
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

QUALITY = 85  # JPEG quality, as in existing archives
# Archives contain large scans and panoramas. A JPEG is decoded at 1/2 to 1/8 scale, a TIFF or PNG above 200 Mpx in
# strips. Any other image is decoded whole, at up to 4 bytes per pixel: 800 MB per worker.
LIMITS = imaging.Limits(
    pixels=200_000_000,
    pixels_in_strips=600_000_000,
    pixels_baseline_jpeg=2_000_000_000,
    pixels_progressive_jpeg=200_000_000,
)

Render = Callable[
    [BinaryIO, Mapping[str, int], Mapping[str, BinaryIO], imaging.OutputFormat], imaging.Rendering
]
"""A function that renders thumbnails of an open image into open files.

Arguments: the image, the longest edge in pixels by label, the files by label, the format. Raises ImagingError, OSError,
RenderFailed.
"""


class RenderFailed(Exception):
    """The original can't be read, or the renderer failed. `cause` is a message for people."""

    def __init__(self, code: str, cause: str) -> None:
        super().__init__(code, cause)
        self.code, self.cause = code, cause


@dataclass(frozen=True)
class Failure:
    """`code` never changes. `cause` is a message for people."""

    code: str
    cause: str


@dataclass(frozen=True)
class Outcome:
    """The result of a request. `made`: new thumbnails. `skipped`: scales whose thumbnail existed."""

    request: RenderRequest
    made: tuple[GeneratedThumbnail, ...] = ()
    skipped: tuple[int, ...] = ()
    failure: Failure | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "job": self.request.as_json(),
            "made": [vars(thumbnail) for thumbnail in self.made],
            "skipped": self.skipped,
            "failure": vars(self.failure) if self.failure else None,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Outcome":
        failure = values["failure"]
        return cls(
            RenderRequest.from_json(values["job"]),
            tuple(GeneratedThumbnail(**thumbnail) for thumbnail in values["made"]),
            tuple(values["skipped"]),
            Failure(**failure) if failure else None,
        )


StatResults = Mapping[str, StoredFile | None]
"""The metadata of thumbnails by key, or None for a missing thumbnail. Other thumbnails have not been looked up."""


def stat_many(requests: Iterable[RenderRequest], store: Store) -> StatResults:
    """The metadata of the thumbnails of all requests, or {} if the store can't look them up together, as S3 can."""
    try:
        return store.stat_many(key for request in requests for key in request.targets.values())
    except (OSError, ValueError):
        return {}  # `generate_image` looks up each thumbnail again, and reports a failure for its image


def generate_image(
    request: RenderRequest, store: Store, render: Render, *, skip_existing: bool, stat_results: StatResults
) -> Outcome:
    """Generate the requested thumbnails and store each atomically. Any failure of this image is in the outcome.

    `stat_results`: the result of `stat_many`. Thumbnails that are not in it are looked up one by one.
    """
    skipped: list[int] = []
    try:
        if skip_existing:
            skipped = [
                scale
                for scale, key in request.targets.items()
                if _is_current(store, key, request, stat_results)
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


def _is_current(store: Store, key: str, request: RenderRequest, stat_results: StatResults) -> bool:
    """Whether the thumbnail exists and is not older than its original."""
    try:
        thumbnail = stat_results[key] if key in stat_results else store.stat(key)
    except FileNotFoundError:
        return False
    if thumbnail is None:
        return False
    if thumbnail.etag:
        # This is S3. It gives the time of a thumbnail in seconds, but the time of an original, which is from a listing,
        # in milliseconds.
        return thumbnail.modified_ns // 1_000_000_000 >= request.modified_us // 1_000_000
    return thumbnail.modified_ns // 1000 >= request.modified_us


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
    thumbnail = rendering.thumbnails[str(scale)]
    return GeneratedThumbnail(
        request.original_key,
        stored.byte_size,
        stored.modified_ns // 1000,
        stored.etag,
        scale,
        key,
        thumbnail.byte_size,
        thumbnail.width,
        thumbnail.height,
        rendering.width,
        rendering.height,
    )


def _failure_of(failure: OSError | ValueError) -> Failure:
    if isinstance(failure, OSError):
        return Failure("storage_failed", f"The thumbnail can't be written: {sentence_of(failure)}")
    return Failure("invalid_key", "The key is not valid in this archive.")


def serialised(render: Render) -> Render:
    """A `Render` that calls `render` in one thread at a time, so that only one decoded image is in memory."""
    render_lock = threading.Lock()

    def render_alone(*arguments: Any) -> imaging.Rendering:
        with render_lock:
            return render(*arguments)

    return render_alone


def render_in_this_process(
    source: BinaryIO,
    scales: Mapping[str, int],
    files: Mapping[str, BinaryIO],
    output_format: imaging.OutputFormat,
) -> imaging.Rendering:
    """A `Render` that renders in the calling process."""
    return imaging.render(
        source,
        scales,
        quality=QUALITY,
        output_format=output_format,
        open_target=lambda label: nullcontext(files[label]),
        limits=LIMITS,
    )
