"""The results that `make bench` stores, the benchmarks that it finds, and the report of the load tool."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

SVG = "{http://www.w3.org/2000/svg}"
BENCHMARKS = Path(__file__).resolve().parents[4] / "benchmarks"


@pytest.fixture
def benchmark_module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that imports a module of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_a_benchmark_replaces_its_own_rows_and_keeps_the_others(
    benchmark_module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results = benchmark_module("results")
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")

    def row(name: str, what: str, value: float) -> Any:
        return results.Row(name, what, value, "x", "<= 2 x", value <= 2)

    results.merge([row("warm", "first", 1), row("warm", "second", 2)], "warm", "With that.")
    results.merge([row("list", "other", 3)], "list", "With this.")
    results.merge([row("warm", "second", 4)], "warm", "With more.")
    kept = json.loads((tmp_path / "results" / "latest.json").read_text())
    rows = [(one["name"], one["what"], one["value"], one["holds"]) for one in kept["rows"]]
    assert rows == [("list", "other", 3, False), ("warm", "second", 4, False)]
    assert kept["about"] == {"list": "With this.", "warm": "With more."}
    table = (tmp_path / "results" / "latest.md").read_text()
    assert "## warm\n\nWith more." in table
    assert "0 of 2 targets hold" in table
    assert "| list | other | 3 x   | <= 2 x | NO, 50% over |" in table
    assert "| warm | second | 4 x   | <= 2 x | NO, 100% over |" in table


def test_the_plots_show_rows_with_a_numeric_target_and_series(benchmark_module: Any) -> None:
    results, plots = benchmark_module("results"), benchmark_module("plots")
    rows = [
        results.at_most("batch", "against <the floor>", 2.0, 1.35),
        results.at_least("render", "faster", 4.0, 3.4),
        results.exactly("warm", "requests", 0, 0),
        results.point("batch", "per image, batch of {}", 100, 9.5, "ms"),
        results.point("batch", "per image, batch of {}", 2000, 9.7, "ms"),
    ]
    bars = ET.fromstring(plots.bars(rows))  # noqa: S314  our own
    drawn = [str(group.get("id")) for group in bars.iter(f"{SVG}g")]
    assert [one for one in drawn if one.startswith(("holds", "misses"))] == ["misses-0", "holds-1"]
    assert any("against <the floor>" in (text.text or "") for text in bars.iter(f"{SVG}text"))
    lines = ET.fromstring(plots.lines(rows))  # noqa: S314
    series = [group for group in lines.iter(f"{SVG}g") if str(group.get("id")).startswith("series-")]
    assert len(series) == 1
    (line,) = series[0].findall(f"{SVG}path")
    # M to the first point, L to the second; each also has its marker.
    assert str(line.get("d")).split()[::3] == ["M", "L"]
    assert len(list(series[0].iter(f"{SVG}use"))) == 2
    assert rows[3].what == "per image, batch of 100"


def test_every_benchmark_is_found_and_an_unknown_one_is_refused_with_their_names() -> None:
    ended = subprocess.run(
        [sys.executable, str(BENCHMARKS / "run.py"), "nothing"], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    known = ended.stderr.rpartition("There are: ")[2].strip().rstrip(".").split(", ")
    assert {"cold", "list", "render", "warm"} <= set(known)
    assert {"load", "results", "run", "scenes"}.isdisjoint(known)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 50, 7.0),
        ([1.0, 2.0], 50, 1.0),
        ([1.0, 2.0, 3.0], 50, 2.0),
        (list(range(1, 101)), 95, 95),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 21)), 99, 20),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(
    benchmark_module: Any, values: list[float], percent: int, expected: float
) -> None:
    assert benchmark_module("load_report").nearest_rank(values, percent) == expected


def test_a_run_without_any_request_counts_as_failed(benchmark_module: Any) -> None:
    report = benchmark_module("load_report").report_of([], 1.0)
    assert (report.error_rate, report.latency_seconds) == (1.0, {})
    assert "no answers" in report.as_text()
