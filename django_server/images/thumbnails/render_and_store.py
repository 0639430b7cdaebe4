"""Render an image's missing thumbnails under a claim, store the files and write the rows.

The order is: read the original, render to temporary files, move the files to their keys, write the rows.
Called by `generate`, which decides whether to generate the thumbnails and acquires the claim.
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

from images.error_codes import ApiError
from images.observability.timings import record_rendering, stage
from images.rendering.limit_settings import imaging_limits
from images.row_values import ImageValues, ThumbnailsByLabel
from images.storage import storage, storage_errors_as_api_error
from images.thumbnail_rules import format_of_thumbnails, missing_scales
from images.thumbnails import generation_claims
from images.thumbnails.originals import current_version, original_file
from images.thumbnails.orphaned_files import delete_files_of_deleted_images
from images.thumbnails.upsert import rows_of
from imaging import ImagingError, Limits, OutputFormat, Rendering
from imaging.process_pool import ProcessDied


class RenderFiles(Protocol):
    """The type of `imaging.render_files.render_files`, and of `render_in_process_pool`, which runs it in a pool."""

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
class Renderer:
    """The function that renders, and the limit under which an image is read and rendered: a slot or a time limit."""

    render: RenderFiles
    limit: AbstractContextManager[object]


def render_and_store(
    token: UUID, image: ImageValues, thumbnails: ThumbnailsByLabel, renderer: Renderer
) -> Sequence[str]:
    """Generate the thumbnails that are missing or stale among `thumbnails`. On success, end the claim.

    Returns the labels of the generated thumbnails. Raises ApiError.
    """
    # Hold no database connection while waiting for a slot or downloading the original: PostgreSQL has only a hundred.
    connection.close()
    with renderer.limit, _temporary_files() as temporary:
        version = current_version(image)
        scales = missing_scales(thumbnails, version.source_version)
        if not scales:
            generation_claims.release(token)
            return ()
        targets = {label: temporary(label) for label in scales}
        with original_file(image) as source:
            rendering = _render(renderer.render, source, image, scales, targets)
        generated = generation_claims.Generated(
            version.source_version,
            version.byte_size,
            rendering.width,
            rendering.height,
            rows_of(image, rendering, version.source_version),
        )
        with stage("flush"):
            _store_and_complete(token, image, generated, targets)
        return tuple(scales)


def _render(
    render: RenderFiles,
    source: Path,
    image: ImageValues,
    scales: Mapping[str, int],
    targets: Mapping[str, Path],
) -> Rendering:
    try:
        with storage_errors_as_api_error():
            rendering = render(
                source,
                scales,
                targets,
                settings.THUMBNAILS["QUALITY"],
                imaging_limits(),
                format_of_thumbnails(image["key"]),
            )
    except ImagingError as error:
        raise ApiError(error.code, error.message).with_status(422) from error
    except ProcessDied as error:
        raise ApiError(
            "corrupt_image", "The image takes longer to decode than any sound one does."
        ) from error
    record_rendering(rendering.timings)
    return rendering


def _store_and_complete(
    token: UUID, image: ImageValues, generated: generation_claims.Generated, targets: Mapping[str, Path]
) -> None:
    def move_files() -> None:
        with storage_errors_as_api_error():
            for row in generated.rows:
                storage().move_to_key(targets[row["label"]], row["key"])

    if storage().moves_by_rename:
        replaced_keys = generation_claims.complete(token, image, generated, move_files)
    else:
        move_files()
        replaced_keys = generation_claims.complete(token, image, generated)
    if replaced_keys is None:
        delete_files_of_deleted_images(generated.rows)
        return
    for key in replaced_keys:
        # If a file can't be deleted now, `manage.py reconcile` finds it.
        with suppress(OSError):
            storage().delete(key)


@contextmanager
def _temporary_files() -> Iterator[Callable[[str], Path]]:
    """A function that returns paths of new files in INCOMING_ROOT. The files are deleted when the block ends.

    INCOMING_ROOT is on the file system of a local storage, so that files can be renamed to their keys.
    """
    paths: list[Path] = []
    stem = uuid.uuid4()

    def path(label: str) -> Path:
        paths.append(settings.INCOMING_ROOT / f"{stem}.{label}")
        return paths[-1]

    try:
        yield path
    finally:
        for temporary in paths:
            temporary.unlink(missing_ok=True)
