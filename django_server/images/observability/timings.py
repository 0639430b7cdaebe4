"""Measure the stages of uploads, jobs and thumbnail generations, for the histogram and for log lines."""

import time
from collections.abc import Iterator, Mapping
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
Milliseconds = dict[str, float]

_durations: ContextVar[Milliseconds | None] = ContextVar("stages", default=None)


@contextmanager
def measured() -> Iterator[Milliseconds]:
    """Collect the durations of the stages in the block, in milliseconds. A nested block uses the outer block's dict."""
    outer = _durations.get()
    if outer is not None:
        yield outer
        return
    durations: Milliseconds = {}
    token = _durations.set(durations)
    try:
        yield durations
    finally:
        _durations.reset(token)


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Measure the duration of the block as a stage, also if it raises."""
    started = time.perf_counter()
    try:
        yield
    finally:
        note_stage(name, time.perf_counter() - started)


def note_stage(name: Stage, seconds: float) -> None:
    """Record the duration of a stage."""
    STAGE_SECONDS.labels(name).observe(seconds)
    durations = _durations.get()
    if durations is not None:
        durations[name] = durations.get(name, 0.0) + seconds * 1e3


def note_rendering(timings: "Timings") -> None:
    """Record the three stages of a rendering."""
    note_stage("decode", timings.decode_ms / 1e3)
    note_stage("resize", timings.resize_ms / 1e3)
    note_stage("encode", timings.encode_ms / 1e3)


def in_words(durations: Mapping[str, float]) -> str:
    """The durations for a readable log line: `decode 12 ms, encode 30 ms`."""
    return ", ".join(f"{name} {ms:.0f} ms" for name, ms in durations.items())


def as_fields(durations: Mapping[str, float]) -> dict[str, float]:
    """The durations for a JSON log line: `{"decode_ms": 12.3}`."""
    return {f"{name}_ms": round(ms, 1) for name, ms in durations.items()}
