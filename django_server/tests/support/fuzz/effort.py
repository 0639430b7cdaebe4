"""The effort of a search: bounded and repeatable in every test run, long and random with `make fuzz`.

`make fuzz` sets FUZZ_SECONDS. Used by every test that generates its input.
"""

import os

import hypothesis


def seconds(usual: float) -> float:
    """The duration of one search: `usual`, or that of `make fuzz SECONDS=…`."""
    return float(os.environ.get("FUZZ_SECONDS", usual))


def is_long() -> bool:
    return "FUZZ_SECONDS" in os.environ


def search(examples: int, a_second: float, **more: object) -> hypothesis.settings:
    """Hypothesis settings: `examples` that are the same every time, or as many random ones as fit in FUZZ_SECONDS.

    `a_second`: the approximate number of examples per second. Speed is not part of any verdict.
    """
    return hypothesis.settings(
        max_examples=int(seconds(0) * a_second) if is_long() else examples,
        derandomize=not is_long(),
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        **more,  # type: ignore[arg-type]
    )
