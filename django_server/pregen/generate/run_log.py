"""Count the outcomes of a run, write them to the journals and print them.

Owns the format of the lines for each file and of the final block of generate. The executors pass one outcome at a time.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from pregen.console import Progress, log, write_line
from pregen.errors import StoreFailure, sentence_of
from pregen.formatting import duration_text, printable
from pregen.generate.journal import Journal
from pregen.generate.one_image import Failure, Outcome
from pregen.generate.render_requests import RenderRequest


@dataclass
class Totals:
    """The counts of a run.

    `generated`, `skipped` and `planned` (in a dry run) count thumbnails. `images` counts images with a new thumbnail
    or, in a dry run, with a planned thumbnail. `errors` counts failed images, and `causes` counts them by code.
    """

    generated: int = 0
    skipped: int = 0
    images: int = 0
    errors: int = 0
    planned: int = 0
    seconds: float = 0.0
    causes: dict[str, int] = field(default_factory=dict)
    last_name: str | None = None
    is_dry_run: bool = False

    @property
    def per_minute(self) -> float:
        return 60 * self.generated / self.seconds if self.seconds > 0 else 0.0

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "per_minute": round(self.per_minute, 1)}


class RunRecorder:
    """Call `add` for each outcome, then `finish`."""

    def __init__(
        self, journals: Mapping[int, Journal], progress: Progress, *, show: bool, errors: Path | None
    ) -> None:
        """`errors`: the file for the list of errors. Raises StoreFailure if it can't be written."""
        self._journals, self._progress, self._show = journals, progress, show
        self._totals = Totals()
        self._started = time.monotonic()
        self._errors = _open_list(errors)

    def add(self, outcome: Outcome) -> None:
        totals, name = self._totals, outcome.request.filename
        for thumbnail in outcome.made:
            if thumbnail.scale in self._journals:
                self._journals[thumbnail.scale].add(thumbnail)
            if self._show:
                write_line(
                    f"[OK] {printable(name)} -> {printable(thumbnail.thumbnail_key)} "
                    f"({thumbnail.byte_size / 1024:.1f} KB)"
                )
        totals.generated += len(outcome.made)
        totals.skipped += len(outcome.skipped)
        totals.images += bool(outcome.made)
        if outcome.failure is not None:
            self._fail(
                outcome.request.original_key,
                name,
                outcome.request.version,
                outcome.failure,
                outcome.request.targets,
            )
        totals.last_name = name
        self._progress.add(1)

    def reject(self, key: str, reason: str) -> None:
        """Count a rejected record of the manifest as an error."""
        self._fail(key, key, "", Failure("invalid_record", reason), ())

    def totals(self) -> Totals:
        self._totals.seconds = round(time.monotonic() - self._started, 3)
        return self._totals

    def finish(self) -> Totals:
        """Write the rate of the completed run to the journals."""
        totals = self.totals()
        for journal in set(self._journals.values()):
            if totals.images:
                journal.add_run(totals.images, totals.seconds)
        return totals

    def close(self) -> None:
        if self._errors is not None:
            self._errors.close()

    def _fail(self, key: str, name: str, version: str, failure: Failure, scales: Iterable[int]) -> None:
        self._totals.errors += 1
        causes = self._totals.causes
        causes[failure.code] = causes.get(failure.code, 0) + 1
        log.error("%s -> %s", printable(name), failure.cause)
        if self._show:
            write_line(f"[ERROR] {printable(name)} -> {failure.cause}")
        for journal in {self._journals[scale] for scale in scales if scale in self._journals}:
            journal.add_failure(key, version, failure.code, failure.cause)
        if self._errors is not None:
            line = {"original_key": key, "code": failure.code, "cause": failure.cause}
            self._errors.write(json.dumps(line) + "\n")
            self._errors.flush()


def dry_run(requests: Iterator[RenderRequest], *, show: bool) -> Totals:
    """Count the thumbnails that a run would generate. With `show`, also print them."""
    totals = Totals(is_dry_run=True)
    for request in requests:
        totals.images += 1
        totals.planned += len(request.targets)
        if show:
            for key in request.targets.values():
                write_line(f"[DRY RUN] {printable(request.filename)} -> {printable(key)}")
    return totals


def final_block(totals: Totals) -> str:
    """The final lines of a run. Pure."""
    if totals.is_dry_run:
        return f"Dry run: {totals.planned:,} thumbnails of {totals.images:,} images would be generated."
    lines = [
        f"Generated: {totals.generated:,}",
        f"Errors: {totals.errors:,}",
        f"Time: {duration_text(totals.seconds)}",
        f"Rate: {totals.per_minute:,.1f}/min",
    ]
    if totals.skipped:
        lines.insert(1, f"Skipped: {totals.skipped:,} (already exist)")
    return "\n".join(lines)


def _open_list(path: Path | None) -> IO[str] | None:
    if path is None:
        return None
    try:
        return path.open("w", encoding="utf-8")
    except OSError as failure:
        raise StoreFailure(f"The list of errors {path} can't be written. {sentence_of(failure)}") from failure
