"""Results as pictures: a bar for each value beside its target, and a line for each series. Pure: rows in, SVG out.

Plain SVG, for a plotting library weighs more than all benchmarks; its texts and colours follow the reader's light or
dark page. Used by results.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

_STYLE = """<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .quiet { fill: #59636e; }
  .holds { fill: #1a7f37; stroke: #1a7f37; }
  .misses { fill: #cf222e; stroke: #cf222e; }
  .axis { stroke: #8c959f; stroke-width: 1; fill: none; }
  .target { stroke: #1f2328; stroke-width: 2; }
  .line0 { stroke: #0969da; fill: #0969da; } .line1 { stroke: #bc4c00; fill: #bc4c00; }
  .line2 { stroke: #8250df; fill: #8250df; } .line3 { stroke: #1a7f37; fill: #1a7f37; }
  polyline { fill: none !important; stroke-width: 2; }
  text.line0, text.line1, text.line2, text.line3 { stroke: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .quiet { fill: #9198a1; } .target { stroke: #e6edf3; }
    .holds { fill: #3fb950; stroke: #3fb950; } .misses { fill: #f85149; stroke: #f85149; }
    .line0 { stroke: #4493f8; fill: #4493f8; } .line1 { stroke: #f0883e; fill: #f0883e; }
    .line2 { stroke: #ab7df8; fill: #ab7df8; } .line3 { stroke: #3fb950; fill: #3fb950; }
  }
</style>"""
_LINE_STYLES = 4
# Of bars: the words, then as much as a bar on its target takes, half as much again for those beyond it.
_WIDTH, _WORDS, _TO_TARGET, _ROW = 960, 500, 220, 20
_BEYOND = 1.5
# Of a chart of lines.
_CHART_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 240, 60, 330, 34, 30
_LABEL = 46  # a label below the axis, at least so far from the next


class Told(Protocol):
    """What is needed of a row of results."""

    @property
    def name(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def value(self) -> float: ...
    @property
    def unit(self) -> str: ...
    @property
    def holds(self) -> bool | None: ...
    @property
    def bound(self) -> float | None: ...
    @property
    def series(self) -> str: ...
    @property
    def at(self) -> float | None: ...


@dataclass(frozen=True)
class Chart:
    """Lines that share their axes. `points` of each: (at, value), ascending."""

    title: str
    unit: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def bars(rows: Iterable[Told]) -> str:
    """Every row that has a number for its target, its bar as long as the value is beside that."""
    judged = [row for row in rows if row.bound and row.holds is not None]
    parts = [
        _text(10, 20, "Each value beside its target, the upright line. Green holds, red misses."),
    ]
    for number, row in enumerate(judged):
        parts += _bar(row, 40 + number * _ROW)
    bottom = 40 + len(judged) * _ROW
    x = _WORDS + _TO_TARGET
    parts.append(f'<line class="target" x1="{x}" y1="30" x2="{x}" y2="{bottom - 4}"/>')
    return _svg(bottom + 6, parts)


def _bar(row: Told, top: float) -> Iterator[str]:
    share = row.value / (row.bound or 1)
    length = max(1.0, _TO_TARGET * min(share, _BEYOND))
    style = "holds" if row.holds else "misses"
    yield _text(_WORDS - 8, top + 11, _shortened(f"{row.name}: {row.what}"), end=True)
    yield f'<rect class="{style}" x="{_WORDS}" y="{top}" width="{length:.1f}" height="12"/>'
    if share > _BEYOND:
        yield _text(_WORDS + length + 3, top + 11, "›")
    x = _WORDS + max(length, _TO_TARGET) + 14
    yield _text(x, top + 11, f"{row.value:g} of {row.bound:g} {row.unit}", "quiet")


def _shortened(words: str, most: int = 78) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"


def lines(rows: Iterable[Told]) -> str:
    """A chart for each benchmark and unit that has series, both axes logarithmic."""
    parts = []
    for number, chart in enumerate(charts := list(_charts(rows))):
        parts.append(f'<g transform="translate(0 {number * _CHART_HEIGHT})">')
        parts += _drawn(chart)
        parts.append("</g>")
    return _svg(len(charts) * _CHART_HEIGHT, parts)


def _charts(rows: Iterable[Told]) -> Iterator[Chart]:
    """Those with a point that a logarithm can't show are left to the table."""
    found: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    for row in rows:
        if row.series and row.at is not None:
            one = found.setdefault((row.name, row.unit), {})
            one.setdefault(row.series, []).append((row.at, row.value))
    for (name, unit), series in found.items():
        whole = {words: sorted(points) for words, points in series.items()}
        drawable = {words: points for words, points in whole.items() if all(y > 0 for _, y in points)}
        if drawable:
            yield Chart(name, unit or "number", drawable)


def _drawn(chart: Chart) -> Iterator[str]:
    xs = [x for points in chart.lines.values() for x, _ in points]
    ys = [y for points in chart.lines.values() for _, y in points]
    right, bottom = _WIDTH - _RIGHT, _CHART_HEIGHT - _BOTTOM
    x_of = _logarithmic(min(xs), max(xs), _LEFT, right)
    y_of = _logarithmic(_power_below(min(ys)), _power_below(max(ys)) * 10, bottom, _TOP)
    yield _text(10, 20, f"{chart.title}, {chart.unit}")
    yield f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>'
    labelled = float(-_LABEL)
    for x in sorted(set(xs)):
        if x_of(x) - labelled >= _LABEL:
            labelled = x_of(x)
            yield _text(labelled, bottom + 16, f"{x:,.0f}", "quiet", middle=True)
    power = _power_below(min(ys))
    while power <= _power_below(max(ys)) * 10:
        yield _text(_LEFT - 6, y_of(power) + 4, f"{power:g}", "quiet", end=True)
        power *= 10
    for number, (words, points) in enumerate(chart.lines.items()):
        style = f"line{number % _LINE_STYLES}"
        way = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
        yield f'<polyline class="{style}" points="{way}"/>'
        yield from (
            f'<circle class="{style}" cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3"/>' for x, y in points
        )
        yield _text(right + 14, _TOP + 12 + number * 18, words.replace("{}", "N"), style)


def _logarithmic(least: float, most: float, start: float, end: float) -> Callable[[float], float]:
    """Where a value between `least` and `most` is drawn between `start` and `end`."""
    span = math.log(most / least) or 1.0
    return lambda value: start + (end - start) * math.log(value / least) / span


def _power_below(value: float) -> float:
    return float(10.0 ** math.floor(math.log10(value)))


def _text(x: float, y: float, words: str, style: str = "", *, end: bool = False, middle: bool = False) -> str:
    anchor = ' text-anchor="end"' if end else ' text-anchor="middle"' if middle else ""
    class_ = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{class_}{anchor}>{escape(words)}</text>'


def _svg(height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}">'
    return "\n".join([head, _STYLE, *parts, "</svg>", ""])
