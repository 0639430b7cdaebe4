"""The three upload routes.

One image, rendered before the response; several images, each in its own task; several images in tasks of many images.
"""

import uuid
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router

from images.api.images import images_json
from images.api.parameter_types import IdempotencyKey
from images.api.schemas import AcceptedOut, ErrorOut, UploadedOut, UploadErrorOut
from images.error_codes import ApiError
from images.http.json_responses import encoded_json_response, json_response
from images.observability.timings import stage
from images.processing.publish import publish_images
from images.processing.transitions import new_values
from images.row_values import ImageValues
from images.serializers import Json
from images.uploads import idempotency
from images.uploads.accept import ValidFiles, insert_rows, queue_and_publish, store_originals
from images.uploads.idempotency import StoredResponse, settled_on_failure
from images.uploads.multipart import SpooledFile, spool_files
from images.uploads.synchronous import complete, rendered_upload
from images.uploads.upload_log import logged_upload
from images.uploads.validation import Validated, validate

router = Router(tags=["uploads"])

_REFUSED = {
    400: UploadErrorOut,
    401: ErrorOut,
    403: ErrorOut,
    409: ErrorOut,
    413: ErrorOut,
    415: ErrorOut,
    422: UploadErrorOut,
    503: ErrorOut,
}


def _body(field: str, schema: Json) -> Json:
    properties = {"type": "object", "required": [field], "properties": {field: schema}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": properties}}}}


_ONE = _body("image", {"type": "string", "format": "binary"})
_MANY = _body("images", {"type": "array", "items": {"type": "string", "format": "binary"}})


@router.post("/api/upload", response={200: UploadedOut, **_REFUSED}, openapi_extra=_ONE)
def upload(request: HttpRequest, idempotency_key: IdempotencyKey = None) -> HttpResponse:
    """Upload one image, which is processed before the response."""
    with logged_upload("upload") as summary:
        with stage("spool"):
            (file,) = spool_files(request, "image", max_files=1)
        key = idempotency.begin(idempotency_key, "upload", [file], image_id=file.id)
        if isinstance(key, StoredResponse):
            return encoded_json_response(key.body, key.status)
        with settled_on_failure(key), rendered_upload(file, key) as rendered:
            with stage("flush"), transaction.atomic():
                image = complete(rendered)
                response = json_response(
                    {"message": "Image uploaded successfully", "image": images_json([image])[0]}
                )
                key.complete(response)
            publish_images([image])
        summary.job_id, summary.accepted = file.id, 1
        return response


@router.post("/api/async/upload", response={202: AcceptedOut, **_REFUSED}, openapi_extra=_MANY)
def upload_async(
    request: HttpRequest, batch: UUID | None = None, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """Upload images. Each is processed in a task of its own."""
    return _upload_many("async/upload", request, batch, idempotency_key, one_task_each=True)


@router.post("/api/async/batch/upload", response={202: AcceptedOut, **_REFUSED}, openapi_extra=_MANY)
def upload_batch(
    request: HttpRequest, batch: UUID | None = None, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """Upload images. They are divided into chunks among all workers."""
    return _upload_many("async/batch/upload", request, batch, idempotency_key, one_task_each=False)


def _upload_many(
    endpoint: str,
    request: HttpRequest,
    batch: UUID | None,
    idempotency_key: str | None,
    *,
    one_task_each: bool,
) -> HttpResponse:
    with logged_upload(endpoint) as summary:
        with stage("spool"):
            files = spool_files(request, "images", max_files=settings.MAX_FILES_PER_REQUEST)
        key = idempotency.begin(idempotency_key, endpoint, files)
        if isinstance(key, StoredResponse):
            return encoded_json_response(key.body, key.status)
        with settled_on_failure(key):
            validated = validate(files)
            summary.rejected = [error.code for _, error in validated.rejected]
            rejected = _delete_rejected(validated)
            if not validated.accepted:
                raise _all_rejected(validated, rejected)
            batch_id = batch or uuid.uuid4()
            rows = store_originals(validated.accepted, batch_id)
            images = [new_values(row) for row in rows]
            jobs = _jobs_json(validated.accepted, images)
            message = (
                "Images upload initiated"
                if one_task_each
                else f"Batch upload of {len(jobs)} images initiated"
            )
            response = json_response(
                {"message": message, "batch_id": str(batch_id), "jobs": jobs, "rejected": rejected}, 202
            )
            insert_rows(validated.accepted, rows, batch_id, key, response)
            queue_and_publish(images, one_task_each=one_task_each)
        summary.batch_id, summary.accepted = batch_id, len(images)
        return response


def _jobs_json(files: ValidFiles, images: Sequence[ImageValues]) -> list[Json]:
    """The images, which have no thumbnails yet, each with the index of its file in the request."""
    bodies = images_json([(image, {}) for image in images])
    return [{"index": file.index, **body} for (file, _), body in zip(files, bodies, strict=True)]


def _delete_rejected(validated: Validated) -> list[Json]:
    for file, _ in validated.rejected:
        file.delete()
    return [_rejected_json(file, error) for file, error in validated.rejected]


def _rejected_json(file: SpooledFile, error: ApiError) -> Json:
    return {"index": file.index, "name": file.name, "error": error.sentence, "code": error.code}


def _all_rejected(validated: Validated, rejected: list[Json]) -> ApiError:
    """An ApiError with status 400 and the list of rejected files. If all have the same error code, it has this code."""
    if len(rejected) == 1:
        code, sentence = validated.rejected[0][1].code, validated.rejected[0][1].sentence
    else:
        codes = {error.code for _, error in validated.rejected}
        code = codes.pop() if len(codes) == 1 else "invalid_request"
        sentence = f"None of the {len(rejected)} files could be accepted."
    return ApiError(code, sentence, rejected=rejected).with_status(400)
