"""The table of the fault suite: one row per fault that was really done, with what came of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# The table is kept where all of them were done.
ALL_FAULTS = 14
_TOLD_SETTINGS = ("LEASE_SECONDS", "SWEEP_SECONDS", "WORKER_PROCESSES")
_HEADS = ("fault", "lost", "repeated", "free again after", "all final after", "all told after")


@dataclass(frozen=True)
class Row:
    """`lost` and `repeated` are images; seconds count from the fault, or from the end of one that lasted.

    `free_seconds`: until no image was held by the dead any more; None where nothing died that could hold one.
    """

    fault: str
    lost: int
    repeated: int
    free_seconds: float | None
    final_seconds: float
    told_seconds: float


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, aligned for a terminal too."""
    cells = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADS))]
    lines = [f"| {' | '.join(map(str.ljust, line, widths))} |" for line in cells]
    return "\n".join([lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]])


def report(rows: Sequence[Row], images: int, settings: Mapping[str, str]) -> str:
    """The table as a page, with what it was measured with."""
    with_settings = ", ".join(f"{name}={settings[name]}" for name in _TOLD_SETTINGS)
    return f"""# Faults, each in the middle of {images} images

Written by the fault suite (tests/faults) after each run of all of it, on PostgreSQL and Redis with real processes and
{with_settings}. Seconds count from the fault, or from the end of one that lasted; they
include the work that was left. *Repeated*: images rendered more than once.

{table(rows)}
"""


def _cells(row: Row) -> tuple[str, ...]:
    free = "–" if row.free_seconds is None else f"{row.free_seconds:.1f} s"
    return (
        row.fault,
        str(row.lost),
        str(row.repeated),
        free,
        f"{row.final_seconds:.1f} s",
        f"{row.told_seconds:.1f} s",
    )
