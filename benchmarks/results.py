"""Rows of results: what was measured, its target, whether it holds. Owns the table and the files under results/.

Used by every benchmark.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Row:
    """`value` with its `unit`; `target` as a sentence, and whether it `holds` (None: reported only)."""

    name: str
    what: str
    value: float
    unit: str
    target: str
    holds: bool | None


def as_table(rows: list[Row]) -> str:
    """The rows as a Markdown table, which reads well in a terminal too."""
    cells = [("name", "what", "value", "target", "holds")]
    cells += [
        (row.name, row.what, f"{row.value:g} {row.unit}".strip(), row.target, _verdict(row.holds))
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _verdict(holds: bool | None) -> str:
    return "–" if holds is None else "yes" if holds else "NO"


def merge(rows: list[Row], benchmark: str, about: str) -> None:
    """Put the rows in the place of those of the same names in latest.json, and write latest.md from all of it.

    `about` says what this benchmark's rows were measured with.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept, sentences = _kept()
    fresh = {row.name for row in rows}
    together = [row for row in kept if row.name not in fresh] + rows
    together.sort(key=lambda row: row.name)  # stable: the rows of one name stay in their order
    sentences = dict(sorted({**sentences, benchmark: about}.items()))
    whole = {"rows": [asdict(row) for row in together], "about": sentences}
    (FOLDER / "latest.json").write_text(json.dumps(whole, indent=2) + "\n")
    told = "\n".join(f"- {name}: {sentence}" for name, sentence in sentences.items())
    (FOLDER / "latest.md").write_text(f"{told}\n\n{as_table(together)}\n")


def _kept() -> tuple[list[Row], dict[str, str]]:
    """What latest.json holds; nothing where it is not there."""
    try:
        found = json.loads((FOLDER / "latest.json").read_text())
    except FileNotFoundError:
        return [], {}
    return [Row(**row) for row in found["rows"]], found.get("about", {})
