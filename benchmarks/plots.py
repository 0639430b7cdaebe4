"""Results as SVG plots: a bar for each value beside its target, and a line for each series.

Draws with matplotlib (a development requirement). Must not read or write files. Used by results.py.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

_STYLES = {
    "holds": "#1a7f37",
    "misses": "#cf222e",
}
_WIDTH_INCHES, _ROW_INCHES, _CHART_INCHES, _MARGIN_INCHES = 12.0, 0.24, 3.2, 0.7
# A bar longer than one and a half times its target is cut there; its label has the value.
_LONGEST_BAR = 1.5
_LONGEST_LABEL = 78
# The same rows give the same bytes, so that a commit shows only what changed.
_METADATA = {"Date": None, "Creator": None}
_HASH_SALT = "benchmarks"


class PlottedRow(Protocol):
    """The attributes of a result row that a plot needs."""

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
    """Lines that share their axes. `lines` maps a label to its points (at, value), ascending by `at`."""

    title: str
    unit: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def bars(rows: Iterable[PlottedRow]) -> str:
    """SVG: for each row with a numeric target a bar as long as value divided by target."""
    judged = [row for row in rows if row.bound and row.holds is not None]
    figure, canvas = _figure(len(judged) * _ROW_INCHES + _MARGIN_INCHES)
    axes = figure.subplots()
    for position, row in enumerate(judged):
        style = "holds" if row.holds else "misses"
        share = row.value / (row.bound or 1)
        axes.barh(position, min(share, _LONGEST_BAR), color=_STYLES[style], gid=f"{style}-{position}")
        label = f"{row.value:g} of {row.bound:g} {row.unit}".rstrip()
        axes.text(max(1.0, min(share, _LONGEST_BAR)) + 0.03, position, label, va="center", fontsize=8)
    labels = [_shortened(f"{row.name}: {row.what}") for row in judged]
    axes.set_yticks(range(len(judged)), labels, fontsize=8)
    axes.axvline(1.0, color="black")
    axes.set_xlim(0, _LONGEST_BAR + 0.5)
    axes.set_xticks([])
    axes.invert_yaxis()
    axes.margins(y=0)
    axes.set_title(
        "Value divided by target (the vertical line). Green: the target holds. Red: it is missed.", fontsize=9
    )
    return _svg(canvas)


def lines(rows: Iterable[PlottedRow]) -> str:
    """SVG: a chart with logarithmic axes for each benchmark and unit that has series."""
    charts = list(_charts(rows))
    figure, canvas = _figure(max(1, len(charts)) * _CHART_INCHES)
    if charts:
        grid = figure.subplots(len(charts), 1, squeeze=False)
        for axes, chart in zip(grid[:, 0], charts, strict=True):
            _draw(axes, chart)
    return _svg(canvas)


def _charts(rows: Iterable[PlottedRow]) -> Iterator[Chart]:
    """Series with a value of 0 or less are left to the table: a logarithmic axis cannot show them."""
    found: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    for row in rows:
        if row.series and row.at is not None:
            chart = found.setdefault((row.name, row.unit), {})
            chart.setdefault(row.series, []).append((row.at, row.value))
    for (name, unit), series in found.items():
        ascending = {label: sorted(points) for label, points in series.items()}
        drawable = {label: points for label, points in ascending.items() if all(y > 0 for _, y in points)}
        if drawable:
            yield Chart(name, unit or "number", drawable)


def _draw(axes: Axes, chart: Chart) -> None:
    for number, (label, points) in enumerate(chart.lines.items()):
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, marker="o", markersize=4, label=label.replace("{}", "N"), gid=f"series-{number}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(f"{chart.title}, {chart.unit}", loc="left", fontsize=9)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, frameon=False)


def _figure(height_inches: float) -> tuple[Figure, FigureCanvasSVG]:
    figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
    return figure, FigureCanvasSVG(figure)


def _svg(canvas: FigureCanvasSVG) -> str:
    from matplotlib import rc_context

    # Text stays text: a reader can search it.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": _HASH_SALT}):
        file = io.BytesIO()
        canvas.print_figure(file, format="svg", metadata=_METADATA)
    return file.getvalue().decode()


def _shortened(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
