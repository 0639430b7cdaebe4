"""The schemas of the HTTP responses in the OpenAPI document, from which clients generate their types.

The responses themselves are built by `images.serializers`, without these classes. Tests check that both agree.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from ninja import Schema

StatusName = Literal["pending", "processing", "completed", "error", "aborted"]


class ImageErrorOut(Schema):
    code: str
    message: str


class ImageOut(Schema):
    id: UUID
    job_id: UUID
    version: int
    batch_id: UUID | None
    collection: str
    name: str
    size: int
    type: str
    width: int | None
    height: int | None
    status: StatusName
    final: bool
    error: ImageErrorOut | None
    uploaded_at: datetime
    finished_at: datetime | None
    image: str | None
    original: str
    thumbnails: dict[str, str] | None


class JobOut(ImageOut):
    index: int


class RejectedOut(Schema):
    index: int
    name: str
    error: str
    code: str


class ErrorOut(Schema):
    error: str
    code: str


class UploadErrorOut(ErrorOut):
    rejected: list[RejectedOut] | None = None


class UploadedOut(Schema):
    message: str
    image: ImageOut


class AcceptedOut(Schema):
    message: str
    batch_id: UUID
    jobs: list[JobOut]
    rejected: list[RejectedOut]


class BatchOut(Schema):
    id: UUID
    created_at: datetime
    total: int
    counts: dict[StatusName, int]
    final: bool


class BatchWithImagesOut(BatchOut):
    images: list[ImageOut]


class CountsOut(Schema):
    id: UUID
    changed: int
    counts: dict[StatusName, int]


class LimitsOut(Schema):
    types: list[str]
    bytes_per_file: int
    bytes_per_request: int
    files_per_request: int
    pixels: int
    pixels_baseline_jpeg: int
    pixels_progressive_jpeg: int
    labels: dict[str, int]
