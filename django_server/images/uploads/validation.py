"""Validate spooled files from their size and their header, without decoding. Called by the upload routes."""

from dataclasses import dataclass

from django.conf import settings

from images.error_codes import ApiError
from images.observability.timings import stage
from images.rendering.limit_settings import imaging_limits
from images.uploads.multipart import SpooledFile
from imaging import ImagingError, Probe, probe


@dataclass(frozen=True)
class Validated:
    """The files of one request: accepted files with the values of their header, rejected files with the reason."""

    accepted: list[tuple[SpooledFile, Probe]]
    rejected: list[tuple[SpooledFile, ApiError]]


def validate(files: list[SpooledFile]) -> Validated:
    """Validate all files. An invalid file does not affect the others."""
    validated = Validated([], [])
    with stage("validate"):
        for file in files:
            try:
                validated.accepted.append((file, _probe(file)))
            except ApiError as error:
                validated.rejected.append((file, error))
    return validated


def _probe(file: SpooledFile) -> Probe:
    if file.byte_size == 0:
        raise ApiError("empty_file", f"{file.name} is empty.")
    if file.too_large:
        raise ApiError(
            "file_too_large",
            f"{file.name} is larger than the {settings.MAX_FILE_BYTES:,} bytes accepted per file.",
        )
    try:
        with file.path.open("rb") as source:
            return probe(source, imaging_limits())
    except ImagingError as error:
        raise ApiError(error.code, f"{file.name}: {error.message}") from error
