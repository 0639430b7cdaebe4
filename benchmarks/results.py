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


def write(rows: list[Row], about: str) -> None:
    """Write latest.json and latest.md. Other rows that are there already stay, and what is said about them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    target = FOLDER / "latest.json"
    names = {row.name for row in rows}
    new = {(row.name, row.what) for row in rows}
    before = json.loads(target.read_text()) if target.exists() else {}
    kept = [Row(**row) for row in before.get("rows", []) if (row["name"], row["what"]) not in new]
    said = {name: text for name, text in before.get("about", {}).items() if name not in names}
    said |= dict.fromkeys(sorted(names), about)
    rows = [*kept, *rows]
    target.write_text(json.dumps({"rows": [asdict(row) for row in rows], "about": said}, indent=2) + "\n")
    texts = "\n\n".join(f"{name}: {text}" for name, text in said.items())
    (FOLDER / "latest.md").write_text(f"{texts}\n\n{as_table(rows)}\n")
