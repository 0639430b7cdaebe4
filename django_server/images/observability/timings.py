"""Measure the stages of uploads, jobs and thumbnail generations, for the histogram and for log lines."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from images.observability.event_counters import STAGE_SECONDS

if TYPE_CHECKING:
    from imaging import Timings  # imports Pillow

Stage = Literal[
    "receive",  # the request body is received
    "spool",  # the body is parsed, each file written and hashed
    "validate",  # image headers are read
    "store",  # files are stored under their keys
    "insert",  # rows are written
    "queue",  # ids are enqueued
    "publish",  # events are published
    "wait",  # from enqueuing to a worker's claim
    "slot",  # a web process waits for a render slot
    "fetch",  # the original is opened or downloaded
    "decode",
    "resize",
    "encode",  # includes storing the thumbnails
    "flush",  # outcomes are written to the database
]
StageTimes = dict[str, float]  # stage -> milliseconds

_stage_times: ContextVar[StageTimes | None] = ContextVar("stages", default=None)


@contextmanager
def measure_stages() -> Iterator[StageTimes]:
    """Collect the times of the stages in the block. A nested block adds its stages to the outer block's times."""
    outer = _stage_times.get()
    if outer is not None:
        yield outer
        return
    times: StageTimes = {}
    token = _stage_times.set(times)
    try:
        yield times
    finally:
        _stage_times.reset(token)


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Measure the duration of the block as a stage, also if it raises."""
    started = time.perf_counter()
    try:
        yield
    finally:
        record_stage(name, time.perf_counter() - started)


def record_stage(name: Stage, seconds: float) -> None:
    """Record the duration of a stage."""
    STAGE_SECONDS.labels(name).observe(seconds)
    times = _stage_times.get()
    if times is not None:
        times[name] = times.get(name, 0.0) + seconds * 1e3


def record_rendering(timings: "Timings") -> None:
    """Record the three stages of a rendering."""
    record_stage("decode", timings.decode_ms / 1e3)
    record_stage("resize", timings.resize_ms / 1e3)
    record_stage("encode", timings.encode_ms / 1e3)


def format_stage_times(times: StageTimes) -> str:
    """The times as text for log lines: `decode 12 ms, encode 30 ms`."""
    return ", ".join(f"{name} {ms:.0f} ms" for name, ms in times.items())


def stage_time_fields(times: StageTimes) -> dict[str, float]:
    """The times as fields of a JSON log line: `{"decode_ms": 12.3}`."""
    return {f"{name}_ms": round(ms, 1) for name, ms in times.items()}
