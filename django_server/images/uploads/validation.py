"""Whether a spooled file is an image that is taken in: from its size and its header, without decoding."""

from dataclasses import dataclass

from django.conf import settings

from images.errors import Refusal
from images.observability.timings import stage
from images.rendering.limit_settings import imaging_limits
from images.uploads.multipart import SpooledFile
from imaging import ImagingError, Probe, probe


@dataclass(frozen=True)
class Judged:
    """Files of one request: those that are taken, each with what its header says, and those that are not."""

    accepted: list[tuple[SpooledFile, Probe]]
    rejected: list[tuple[SpooledFile, Refusal]]


def judge(files: list[SpooledFile]) -> Judged:
    """Judge each file alone."""
    judged = Judged([], [])
    with stage("validate"):
        for file in files:
            try:
                judged.accepted.append((file, _probe(file)))
            except Refusal as refusal:
                judged.rejected.append((file, refusal))
    return judged


def _probe(file: SpooledFile) -> Probe:
    if file.byte_size == 0:
        raise Refusal("empty_file", f"{file.name} is empty.")
    if file.too_large:
        raise Refusal(
            "file_too_large",
            f"{file.name} is larger than the {settings.MAX_FILE_BYTES:,} bytes accepted per file.",
        )
    try:
        with file.path.open("rb") as source:
            return probe(source, imaging_limits())
    except ImagingError as error:
        raise Refusal(error.code, f"{file.name}: {error.message}") from error
