"""The table of the fault tests: one row per fault, with its measured effects. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# The table is written to a file only if all of them ran.
ALL_FAULTS = 14
_REPORTED_SETTINGS = ("LEASE_SECONDS", "SWEEP_SECONDS", "WORKER_PROCESSES")
_HEADS = ("fault", "lost", "repeated", "free again after", "all final after", "all announced after")


@dataclass(frozen=True)
class Row:
    """`lost` and `repeated` are numbers of images; seconds count from the fault, or from its end if it lasted.

    `free_seconds`: until no image was claimed by a killed process; None if no process with claims was killed.
    """

    fault: str
    lost: int
    repeated: int
    free_seconds: float | None
    final_seconds: float
    announced_seconds: float


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, aligned for a terminal too."""
    cells = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADS))]
    lines = [f"| {' | '.join(map(str.ljust, line, widths))} |" for line in cells]
    return "\n".join([lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]])


def report(rows: Sequence[Row], images: int, settings: Mapping[str, str]) -> str:
    """The table as a page, with the settings of the measurement."""
    with_settings = ", ".join(f"{name}={settings[name]}" for name in _REPORTED_SETTINGS)
    return f"""# Faults, each in the middle of {images} images

Written by the fault tests (tests/faults) after each run of all of them, on PostgreSQL and Redis with real processes and
{with_settings}. Seconds count from the fault, or from its end if it lasted; they
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
        f"{row.announced_seconds:.1f} s",
    )
