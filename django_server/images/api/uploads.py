"""The three uploads: one image now, several one by one, several as a batch."""

import uuid
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Router

from images.api.images import images_json
from images.api.schemas import AcceptedOut, ErrorOut, UploadedOut, UploadErrorOut
from images.errors import Refusal
from images.http.json_responses import json_answer
from images.observability.timings import stage
from images.rows import Listed
from images.serializers import Json
from images.uploads.accept import accept
from images.uploads.idempotency import Hold
from images.uploads.multipart import SpooledFile, spool_files
from images.uploads.once import KeyHeader, answer_once, as_remembered
from images.uploads.synchronous import process_at_once
from images.uploads.upload_log import UploadLine, one_line
from images.uploads.validation import Judged, judge

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
def upload(request: HttpRequest, idempotency_key: KeyHeader = None) -> HttpResponse:
    """Upload one image and have it processed before the answer."""
    with one_line("upload") as line:
        with stage("spool"):
            files = spool_files(request, "image", most=1)

        def work(hold: Hold) -> HttpResponse:
            listed = process_at_once(files[0], hold, lambda listed: as_remembered(_uploaded(listed)))
            line.job_id, line.accepted = files[0].id, 1
            return _uploaded(listed)

        return answer_once(idempotency_key, "upload", files, work, image_id=files[0].id)


@router.post("/api/async/upload", response={202: AcceptedOut, **_REFUSED}, openapi_extra=_MANY)
def upload_async(
    request: HttpRequest, batch: UUID | None = None, idempotency_key: KeyHeader = None
) -> HttpResponse:
    """Upload images that are processed one task each."""
    return _upload_many("async/upload", request, batch, idempotency_key, one_task_each=True)


@router.post("/api/async/batch/upload", response={202: AcceptedOut, **_REFUSED}, openapi_extra=_MANY)
def upload_batch(
    request: HttpRequest, batch: UUID | None = None, idempotency_key: KeyHeader = None
) -> HttpResponse:
    """Upload images that are processed in chunks by all workers."""
    return _upload_many("async/batch/upload", request, batch, idempotency_key, one_task_each=False)


def _upload_many(
    endpoint: str, request: HttpRequest, batch: UUID | None, key: str | None, *, one_task_each: bool
) -> HttpResponse:
    with one_line(endpoint) as line:
        with stage("spool"):
            files = spool_files(request, "images", most=settings.MAX_FILES_PER_REQUEST)
        work = partial(_accept_many, files, batch, line, one_task_each=one_task_each)
        return answer_once(key, endpoint, files, work)


def _uploaded(listed: Listed) -> HttpResponse:
    return json_answer({"message": "Image uploaded successfully", "image": images_json([listed])[0]})


def _accept_many(
    files: list[SpooledFile], batch: UUID | None, line: UploadLine, hold: Hold, *, one_task_each: bool
) -> HttpResponse:
    judged = judge(files)
    line.rejected = [refusal.code for _, refusal in judged.rejected]
    for file, _ in judged.rejected:
        file.discard()
    rejected = [_rejected_json(file, refusal) for file, refusal in judged.rejected]
    if not judged.accepted:
        raise _all_rejected(judged, rejected)
    batch_id = batch or uuid.uuid4()

    def answer(listed: list[Listed]) -> HttpResponse:
        jobs = [
            {"index": file.index, **image}
            for (file, _), image in zip(judged.accepted, images_json(listed), strict=True)
        ]
        message = (
            "Images upload initiated" if one_task_each else f"Batch upload of {len(jobs)} images initiated"
        )
        return json_answer(
            {"message": message, "batch_id": str(batch_id), "jobs": jobs, "rejected": rejected}, 202
        )

    def remember(listed: list[Listed]) -> None:
        hold.remember(as_remembered(answer(listed)))

    listed = accept(judged.accepted, batch_id, one_task_each=one_task_each, with_rows=remember)
    line.batch_id, line.accepted = batch_id, len(listed)
    return answer(listed)


def _rejected_json(file: SpooledFile, refusal: Refusal) -> dict[str, Any]:
    return {"index": file.index, "name": file.name, "error": refusal.sentence, "code": refusal.code}


def _all_rejected(judged: Judged, rejected: list[dict[str, Any]]) -> Refusal:
    """400 with the list; its code is the files' own where they agree."""
    if len(rejected) == 1:
        code, sentence = judged.rejected[0][1].code, judged.rejected[0][1].sentence
    else:
        codes = {refusal.code for _, refusal in judged.rejected}
        code = codes.pop() if len(codes) == 1 else "invalid_request"
        sentence = f"None of the {len(rejected)} files could be accepted."
    return Refusal(code, sentence, rejected=rejected).with_status(400)
