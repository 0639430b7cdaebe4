"""Making an image's missing thumbnails under a claim: read, render to temporary files, put in place, write the rows.

Owns the order of those steps. Whether and by whom they are made is decided in `ensure`.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import connection

from images.errors import Refusal
from images.observability.timings import note_rendering, stage
from images.rendering.limit_settings import imaging_limits
from images.rows import ImageValues, ThumbnailsByLabel
from images.storage import refusing_storage_errors, storage
from images.thumbnail_rules import format_of_thumbnails, missing_scales
from images.thumbnails import claims
from images.thumbnails.originals import original_file, version_now
from images.thumbnails.orphaned_files import discard_files_of_the_deleted
from images.thumbnails.upsert import rows_of
from imaging import ImagingError, Limits, OutputFormat, Rendering
from imaging.process_pool import ProcessDied


class Decode(Protocol):
    """`imaging.render_files.render_files`, or the same in a process apart."""

    def __call__(
        self,
        source: Path,
        scales: Mapping[str, int],
        targets: Mapping[str, Path],
        quality: int,
        limits: Limits,
        output_format: OutputFormat,
        /,
    ) -> Rendering: ...


@dataclass(frozen=True)
class Means:
    """How a maker decodes, and what surrounds the reading and decoding of one image (a slot, or a time limit)."""

    decode: Decode
    surrounding: AbstractContextManager[object]


def make(token: UUID, image: ImageValues, thumbnails: ThumbnailsByLabel, means: Means) -> Sequence[str]:
    """Make what is missing among `thumbnails`, and end the claim, if it goes well.

    Returns the labels that were made. Raises Refusal.
    """
    # Slots are waited for, and remote originals read, without a connection: PostgreSQL has a hundred.
    connection.close()
    with means.surrounding, _temporary_files() as temporary:
        version = version_now(image)
        scales = missing_scales(thumbnails, version.name)
        if not scales:
            claims.release(token)
            return ()
        targets = {label: temporary(label) for label in scales}
        with original_file(image) as source:
            rendering = _render(means.decode, source, image, scales, targets)
        made = claims.Made(
            version.name,
            version.byte_size,
            rendering.width,
            rendering.height,
            rows_of(image, rendering, version.name),
        )
        with stage("flush"):
            _finish(token, image, made, targets)
        return tuple(scales)


def _render(
    decode: Decode, source: Path, image: ImageValues, scales: Mapping[str, int], targets: Mapping[str, Path]
) -> Rendering:
    try:
        with refusing_storage_errors():
            rendering = decode(
                source,
                scales,
                targets,
                settings.THUMBNAILS["QUALITY"],
                imaging_limits(),
                format_of_thumbnails(image["key"]),
            )
    except ImagingError as error:
        raise Refusal(error.code, error.message).with_status(422) from error
    except ProcessDied as error:
        raise Refusal("corrupt_image", "The image takes longer to decode than any sound one does.") from error
    note_rendering(rendering.timings)
    return rendering


def _finish(token: UUID, image: ImageValues, made: claims.Made, targets: Mapping[str, Path]) -> None:
    def place() -> None:
        with refusing_storage_errors():
            for row in made.rows:
                storage().move_to_key(targets[row["label"]], row["key"])

    if storage().moves_by_rename:
        replaced = claims.complete(token, image, made, place)
    else:
        place()
        replaced = claims.complete(token, image, made)
    if replaced is None:
        discard_files_of_the_deleted(made.rows)
        return
    for key in replaced:
        # What can't be deleted now is nobody's any more: reconcile finds it.
        with suppress(OSError):
            storage().delete(key)


@contextmanager
def _temporary_files() -> Iterator[Callable[[str], Path]]:
    """Paths beside the spool, on the storage's own file system, that are gone when the block ends."""
    made: list[Path] = []
    stem = uuid.uuid4()

    def path(label: str) -> Path:
        made.append(settings.INCOMING_ROOT / f"{stem}.{label}")
        return made[-1]

    try:
        yield path
    finally:
        for one in made:
            one.unlink(missing_ok=True)
