"""Runs benchmarks, prints one table and stores it: all modules here that define `measure`, or the named ones.

    python benchmarks/run.py [NAME ...]

Each `measure()` returns its rows and a sentence on the conditions of the measurement. Used by `make bench`.
"""

from __future__ import annotations

import argparse
import importlib
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from results import Row, as_table, merge, why_missed

_FOLDER = Path(__file__).resolve().parent
# `bench_pregen.py` measures `pregen`: a module of that name would hide the package `pregen`.
_PREFIX = "bench_"
_DEFINES_MEASURE = re.compile(r"^def measure\(", re.MULTILINE)


def benchmarks() -> list[str]:
    """The names of all benchmarks in the order of their run."""
    return sorted(
        path.stem.removeprefix(_PREFIX)
        for path in _FOLDER.glob("*.py")
        if _DEFINES_MEASURE.search(path.read_text(encoding="utf-8"))
    )


def measured(name: str) -> tuple[list[Row], str]:
    """Run one benchmark."""
    module = f"{_PREFIX}{name}" if (_FOLDER / f"{_PREFIX}{name}.py").exists() else name
    measure: Callable[[], tuple[list[Row], str]] = importlib.import_module(module).measure
    return measure()


def main() -> None:
    known = benchmarks()
    parser = argparse.ArgumentParser(description="Run benchmarks.", epilog=f"There are: {', '.join(known)}.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="by default all")
    names = parser.parse_args().names or known
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(known)}.")
    # As with Ctrl+C: the context managers stop servers and delete files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    rows: list[Row] = []
    failed = False
    for name in names:
        started = time.perf_counter()
        try:
            found, about = measured(name)
        except Exception:  # the other benchmarks still run; the old rows of this one stay
            traceback.print_exc()
            failed = True
            continue
        rows += found
        merge(found, name, about)
        print(f"{name}: {about} ({time.perf_counter() - started:.0f} s)", file=sys.stderr, flush=True)
    print(as_table(rows), *why_missed(rows), sep="\n")
    sys.exit(1 if failed or any(row.holds is False for row in rows) else 0)


if __name__ == "__main__":
    main()
