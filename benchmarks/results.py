"""Result rows (measurement, target, whether the target holds), their tables, and the files under results/.

Used by every benchmark.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import plots
from shortfalls import reasons

FOLDER = Path(__file__).resolve().parent / "results"


_BOUND = re.compile(r"(<=|>=) ([\d.]+)")


@dataclass(frozen=True)
class Row:
    """`value` in `unit`, the `target` as text, and whether it `holds` (None: there is no target).

    Rows of one `series` are points of a line at the positions `at` (images, rows, ...).
    """

    name: str
    what: str
    value: float
    unit: str
    target: str
    holds: bool | None
    series: str = ""
    at: float | None = None

    @property
    def bound(self) -> float | None:
        """The number in the target, if it is an upper or lower bound."""
        found = _BOUND.match(self.target)
        return float(found[2]) if found else None


def at_most(name: str, what: str, value: float, maximum: float, unit: str = "x", condition: str = "") -> Row:
    """A row whose target holds up to `maximum`. `condition` is appended to the target."""
    return Row(
        name, what, round(value, 2), unit, f"<= {maximum:g} {unit}{condition}".strip(), value <= maximum
    )


def at_least(name: str, what: str, value: float, minimum: float, unit: str = "x") -> Row:
    """A row whose target holds from `minimum` on."""
    return Row(name, what, round(value, 2), unit, f">= {minimum:g} {unit}".strip(), value >= minimum)


def exactly(name: str, what: str, value: int, due: int) -> Row:
    """A row whose target holds if the count equals `due`."""
    return Row(name, what, value, "", str(due), value == due)


def reported(name: str, what: str, value: float, unit: str, target: str = "for orientation") -> Row:
    """A row without a target."""
    return Row(name, what, round(value, 2), unit, target, None)


def point(name: str, series: str, at: float, value: float, unit: str, target: str = "for orientation") -> Row:
    """A point of the line `series`, whose label has a `{}` for `at`."""
    return Row(name, series.format(f"{at:,.0f}"), round(value, 3), unit, target, None, series, at)


def as_table(rows: list[Row]) -> str:
    """The rows as a Markdown table, aligned for a terminal."""
    cells = [("name", "what", "value", "target", "holds")]
    cells += [
        (row.name, row.what, f"{row.value:g} {row.unit}".strip(), row.target, _verdict(row)) for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def why_missed(rows: list[Row]) -> list[str]:
    """The reasons for missed targets among the rows."""
    return reasons(row.name for row in rows if row.holds is False)


def _verdict(row: Row) -> str:
    if row.holds is not False:
        return "–" if row.holds is None else "yes"
    if not row.bound:
        return "NO"
    off = row.value / row.bound - 1
    return f"NO, {abs(off):.0%} {'over' if off > 0 else 'below'}"


def merge(rows: list[Row], benchmark: str, about: str) -> None:
    """Replace the rows of the same names in latest.json, and write latest.md and the plots from all rows.

    `about`: a sentence on the conditions of this benchmark's measurement.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept, sentences = _kept()
    fresh = {row.name for row in rows}
    together = [row for row in kept if row.name not in fresh] + rows
    together.sort(key=lambda row: row.name)  # stable: the rows of one name stay in their order
    sentences = dict(sorted({**sentences, benchmark: about}.items()))
    whole = {"rows": [asdict(row) for row in together], "about": sentences}
    (FOLDER / "latest.json").write_text(json.dumps(whole, indent=2) + "\n")
    (FOLDER / "latest.md").write_text(_page(together, sentences))
    (FOLDER / "targets.svg").write_text(plots.bars(together))
    (FOLDER / "series.svg").write_text(plots.lines(together))


def _page(rows: list[Row], sentences: dict[str, str]) -> str:
    """latest.md: the number of targets that hold, the plots, then each benchmark with its conditions and table."""
    judged = [row for row in rows if row.holds is not None]
    parts = [
        "# What `make bench` measured last",
        f"{sum(bool(row.holds) for row in judged)} of {len(judged)} targets hold. A ratio (x) compares values of "
        "the same run; absolute times depend on the machine and are for orientation.",
        "![Each value beside its target](targets.svg)",
        "![How values grow](series.svg)",
    ]
    for name, sentence in sentences.items():
        of_it = [row for row in rows if row.name == name]
        parts += [f"## {name}", sentence, as_table(of_it), *why_missed(of_it)]
    return "\n\n".join(parts) + "\n"


def _kept() -> tuple[list[Row], dict[str, str]]:
    """The rows and sentences of latest.json; empty if there is no such file."""
    try:
        found = json.loads((FOLDER / "latest.json").read_text())
    except FileNotFoundError:
        return [], {}
    return [Row(**row) for row in found["rows"]], found.get("about", {})
