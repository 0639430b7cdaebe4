"""The report of a load test: latencies by nearest rank, errors by status, bytes and rates. Pure.

Used by load.py.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class Answer:
    """One request: `outcome` is the HTTP status as text, or `timeout` or `connection`."""

    outcome: str
    seconds: float
    sent_bytes: int
    received_bytes: int

    @property
    def is_error(self) -> bool:
        return not self.outcome.isdigit() or int(self.outcome) >= 400


@dataclass(frozen=True)
class Report:
    """`latency_seconds` has p50, p95, p99 and max of the requests with an HTTP response."""

    requests: int
    errors: int
    error_rate: float
    errors_by_status: dict[str, int]
    latency_seconds: dict[str, float]
    sent_bytes: int
    received_bytes: int
    elapsed_seconds: float
    requests_per_second: float

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    def as_text(self) -> str:
        lines = [
            f"{self.requests} requests in {self.elapsed_seconds:.1f} s: {self.requests_per_second:.1f} a second",
            f"sent {self.sent_bytes / 1e6:.1f} MB, received {self.received_bytes / 1e6:.1f} MB",
            ", ".join(f"{name} {seconds * 1e3:.0f} ms" for name, seconds in self.latency_seconds.items())
            or "no answers",
            f"{self.errors} errors ({self.error_rate:.1%})",
            *(f"  {status}: {count}" for status, count in self.errors_by_status.items()),
        ]
        return "\n".join(lines)


def report_of(answers: Sequence[Answer], elapsed_seconds: float) -> Report:
    """The report on these requests. Without any request the error rate is 1, because nothing was shown to work."""
    failed = Counter(answer.outcome for answer in answers if answer.is_error)
    seconds = sorted(answer.seconds for answer in answers if answer.outcome.isdigit())
    latency = {f"p{percent}": nearest_rank(seconds, percent) for percent in PERCENTILES if seconds}
    if seconds:
        latency["max"] = seconds[-1]
    errors = failed.total()
    return Report(
        requests=len(answers),
        errors=errors,
        error_rate=errors / len(answers) if answers else 1.0,
        errors_by_status=dict(sorted(failed.items())),
        latency_seconds=latency,
        sent_bytes=sum(answer.sent_bytes for answer in answers),
        received_bytes=sum(answer.received_bytes for answer in answers),
        elapsed_seconds=elapsed_seconds,
        requests_per_second=len(answers) / elapsed_seconds if elapsed_seconds > 0 else 0.0,
    )


def nearest_rank(ordered: Sequence[float], percent: float) -> float:
    """The smallest of the ascending values that at least `percent` of them do not exceed."""
    return ordered[max(1, math.ceil(percent / 100 * len(ordered))) - 1]
