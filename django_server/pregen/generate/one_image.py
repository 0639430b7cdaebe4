"""Making the thumbnails of one image: look, fetch, render, put. Never raises for what is wrong with one image.

Owns the order of these steps and the sentence for each failure. Who renders, in which process, is the caller's say.
Used by `here`, by threads of the command, and by `tasks`, in a Celery worker.
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

QUALITY = 85  # of JPEG; what archives have
# Archives hold scans and panoramas. A JPEG is decoded at 1/2 to 1/8 scale, a TIFF or PNG past 200 Mpx band by band;
# everything else in full, at up to 4 bytes a pixel: 800 MB a worker.
LIMITS = imaging.Limits(
    pixels=200_000_000,
    pixels_in_strips=600_000_000,
    pixels_baseline_jpeg=2_000_000_000,
    pixels_progressive_jpeg=200_000_000,
)

Render = Callable[
    [BinaryIO, Mapping[str, int], Mapping[str, BinaryIO], imaging.OutputFormat], imaging.Rendering
]
"""Makes the thumbnails (label → pixels) of an open image into open files. Raises ImagingError, OSError, NotRendered."""


class RenderFailed(Exception):
    """The renderer itself gave up: `code`, and a sentence."""

    def __init__(self, code: str, cause: str) -> None:
        super().__init__(code, cause)
        self.code, self.cause = code, cause


@dataclass(frozen=True)
class Failure:
    """`code` is stable, `cause` a sentence for a person."""

    code: str
    cause: str


@dataclass(frozen=True)
class Outcome:
    """What became of a job: thumbnails made, scales whose thumbnails were there already, or why there are none."""

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
"""Of some thumbnails, by key: the file, None where there is none."""


def stat_many(requests: Iterable[RenderRequest], store: Store) -> KnownThumbnails:
    """What the store tells of the jobs' thumbnails in one go: on S3 that takes the place of a request for each."""
    try:
        return store.stat_many(key for request in requests for key in request.targets.values())
    except (OSError, ValueError):
        return {}  # then each is asked for, and fails, or not, with a sentence of its own


def generate_image(
    request: RenderRequest, store: Store, render: Render, *, skip_existing: bool, known: KnownThumbnails
) -> Outcome:
    """Make the job's thumbnails and put them in place, each whole. Any failure of this image is in the outcome.

    `known` is what `stat_many` told of its thumbnails; what it did not tell of is asked for.
    """
    skipped: list[int] = []
    try:
        if skip_existing:
            skipped = [
                scale for scale, key in request.targets.items() if _is_current(store, key, request, known)
            ]
        wanted = {scale: key for scale, key in request.targets.items() if scale not in skipped}
        made = _generate(request, wanted, store, render) if wanted else ()
    except imaging.ImagingError as failure:
        return Outcome(request, (), tuple(skipped), Failure(failure.code, failure.message))
    except RenderFailed as failure:
        return Outcome(request, (), tuple(skipped), Failure(failure.code, failure.cause))
    except (OSError, ValueError) as failure:
        return Outcome(request, (), tuple(skipped), _failure_of(failure))
    return Outcome(request, made, tuple(skipped))


def _is_current(store: Store, key: str, request: RenderRequest, known: KnownThumbnails) -> bool:
    """Whether there is a thumbnail that is not older than its original."""
    try:
        found = known[key] if key in known else store.stat(key)
    except FileNotFoundError:
        return False
    if found is None:
        return False
    if found.etag:  # S3 tells whole seconds here, and the original's milliseconds in its listing
        return found.modified_ns // 1_000_000_000 >= request.modified_us // 1_000_000
    return found.modified_ns // 1000 >= request.modified_us


def _generate(
    request: RenderRequest, wanted: dict[int, str], store: Store, render: Render
) -> tuple[GeneratedThumbnail, ...]:
    try:
        stored, source = store.fetch(request.original_key)
    except FileNotFoundError as failure:
        raise RenderFailed("missing_original", "The original is not there any more.") from failure
    except (IsADirectoryError, NotADirectoryError) as failure:
        raise RenderFailed("missing_original", "The original is no file.") from failure
    except OSError as failure:
        raise RenderFailed(
            "unreadable_original", f"The original can't be read: {sentence_of(failure)}"
        ) from failure
    scales = {str(scale): scale for scale in wanted}
    output_format = thumbnail_format(next(iter(wanted.values())).rpartition(".")[2])
    with source, ExitStack() as targets:
        files = {str(scale): targets.enter_context(store.writing(key)) for scale, key in wanted.items()}
        rendering = render(source, scales, files, output_format)
    return tuple(_generated(request, stored, rendering, scale, key) for scale, key in wanted.items())


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
    return Failure("invalid_key", "Its key is none that this archive can hold.")


def serialised(render: Render) -> Render:
    """The same for several threads, with the memory of one image."""
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
    """A Render without a process of its own."""
    return imaging.render(
        source,
        scales,
        quality=QUALITY,
        output_format=output_format,
        open_target=lambda label: nullcontext(files[label]),
        limits=LIMITS,
    )
