"""How hard to search: a bounded, always equal search in every test run, a long one of new ground with `make fuzz`.

`make fuzz` sets FUZZ_SECONDS. Used by every test that generates its own input.
"""

import os

import hypothesis


def seconds(usual: float) -> float:
    """How long one search may last: `usual`, or what `make fuzz SECONDS=…` asked for."""
    return float(os.environ.get("FUZZ_SECONDS", usual))


def is_long() -> bool:
    return "FUZZ_SECONDS" in os.environ


def search(examples: int, a_second: float, **more: object) -> hypothesis.settings:
    """Hypothesis' settings: `examples` the same every time, or as many new ones as FUZZ_SECONDS has room for.

    `a_second`: about how many examples a second holds. Speed is no part of any verdict.
    """
    return hypothesis.settings(
        max_examples=int(seconds(0) * a_second) if is_long() else examples,
        derandomize=not is_long(),
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        **more,  # type: ignore[arg-type]
    )
