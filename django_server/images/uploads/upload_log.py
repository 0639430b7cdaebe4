"""One log line and the metrics of each upload. Used by the upload routes."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from images.error_codes import ApiError
from images.observability.event_counters import IMAGES_ACCEPTED, UPLOADS_REJECTED
from images.observability.timings import StageTimes, format_stage_times, measure_stages, stage_time_fields

logger = logging.getLogger(__name__)


@dataclass
class UploadSummary:
    """The values of the log line, which the route sets. `rejected`: the error code of each rejected file."""

    batch_id: UUID | None = None
    job_id: UUID | None = None
    accepted: int = 0
    rejected: Sequence[str] = ()


@contextmanager
def logged_upload(endpoint: str) -> Iterator[UploadSummary]:
    """A block that processes one upload. The log line is written when it ends normally or raises ApiError.

    Other exceptions are logged by `images.http.exception_responses`.
    """
    summary = UploadSummary()
    with measure_stages() as stages:
        try:
            yield summary
        except ApiError as error:
            summary.rejected = summary.rejected or [error.code]
            _log(endpoint, summary, error.code, stages)
            raise
        _log(endpoint, summary, "", stages)


def _log(endpoint: str, summary: UploadSummary, code: str, stages: StageTimes) -> None:
    if summary.accepted:
        IMAGES_ACCEPTED.labels(endpoint).inc(summary.accepted)
    for rejection, number in Counter(summary.rejected).items():
        UPLOADS_REJECTED.labels(endpoint, rejection).inc(number)
    ids = {"batch_id": summary.batch_id, "job_id": summary.job_id}
    logger.info(
        "Upload to %s%s: %d accepted, %d rejected%s; %s",
        endpoint,
        f" (batch {summary.batch_id})" if summary.batch_id else "",
        summary.accepted,
        len(summary.rejected),
        f", {code}" if code else "",
        format_stage_times(stages),
        extra={
            "endpoint": endpoint,
            **{name: str(id_) for name, id_ in ids.items() if id_},
            "accepted": summary.accepted,
            "rejected": len(summary.rejected),
            "code": code,
            **stage_time_fields(stages),
        },
    )
