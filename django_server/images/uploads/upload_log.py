"""One line of the log for each upload that was understood, and the figures of what was taken in. Used by `uploads`."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from images.errors import Refusal
from images.observability.metrics import IMAGES_ACCEPTED, UPLOADS_REJECTED
from images.observability.timings import as_fields, in_words, measured

logger = logging.getLogger(__name__)


@dataclass
class UploadLine:
    """What came of an upload: filled in while it is worked on. `rejected`: the codes of files that were not taken."""

    batch_id: UUID | None = None
    job_id: UUID | None = None
    accepted: int = 0
    rejected: Sequence[str] = ()


@contextmanager
def one_line(endpoint: str) -> Iterator[UploadLine]:
    """Around one upload. A failure of ours has a line already, by whoever answers it."""
    line = UploadLine()
    with measured() as stages:
        try:
            yield line
        except Refusal as refusal:
            line.rejected = line.rejected or [refusal.code]
            _tell(endpoint, line, refusal.code, stages)
            raise
        _tell(endpoint, line, "", stages)


def _tell(endpoint: str, line: UploadLine, code: str, stages: dict[str, float]) -> None:
    if line.accepted:
        IMAGES_ACCEPTED.labels(endpoint).inc(line.accepted)
    for rejection, number in Counter(line.rejected).items():
        UPLOADS_REJECTED.labels(endpoint, rejection).inc(number)
    ids = {"batch_id": line.batch_id, "job_id": line.job_id}
    logger.info(
        "Upload to %s%s: %d accepted, %d rejected%s; %s",
        endpoint,
        f" (batch {line.batch_id})" if line.batch_id else "",
        line.accepted,
        len(line.rejected),
        f", {code}" if code else "",
        in_words(stages),
        extra={
            "endpoint": endpoint,
            **{name: str(id_) for name, id_ in ids.items() if id_},
            "accepted": line.accepted,
            "rejected": len(line.rejected),
            "code": code,
            **as_fields(stages),
        },
    )
