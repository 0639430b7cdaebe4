"""How long the stages of the work take: into the histogram of all, and onto the log line of one request or image."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from images.observability.metrics import STAGE_SECONDS

if TYPE_CHECKING:
    from imaging import Timings  # imports Pillow

Stage = Literal[
    "receive",  # the body arrives
    "spool",  # it is taken apart, each file written and hashed
    "judge",  # headers are read
    "store",  # files go to their keys
    "insert",  # rows are written
    "queue",  # ids are put into the queue
    "announce",  # listeners are told
    "wait",  # from the queue to a worker's claim
    "slot",  # a web process waits for its turn to decode
    "fetch",  # a worker opens the original
    "decode",
    "resize",
    "encode",  # thumbnails are written to their keys, too
    "flush",  # outcomes go to the database
]
Milliseconds = dict[str, float]

_taken: ContextVar[Milliseconds | None] = ContextVar("stages", default=None)


@contextmanager
def measured() -> Iterator[Milliseconds]:
    """What the stages within take, and have taken before in the same request."""
    before = _taken.get()
    if before is not None:
        yield before
        return
    taken: Milliseconds = {}
    token = _taken.set(taken)
    try:
        yield taken
    finally:
        _taken.reset(token)


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """A stage is what happens within, also when it fails."""
    started = time.perf_counter()
    try:
        yield
    finally:
        note_stage(name, time.perf_counter() - started)


def note_stage(name: Stage, seconds: float) -> None:
    """A stage took so long."""
    STAGE_SECONDS.labels(name).observe(seconds)
    taken = _taken.get()
    if taken is not None:
        taken[name] = taken.get(name, 0.0) + seconds * 1e3


def note_rendering(timings: "Timings") -> None:
    """The three stages of a rendering."""
    note_stage("decode", timings.decode_ms / 1e3)
    note_stage("resize", timings.resize_ms / 1e3)
    note_stage("encode", timings.encode_ms / 1e3)


def in_words(taken: Mapping[str, float]) -> str:
    """For a person's log: `decode 12 ms, encode 30 ms`."""
    return ", ".join(f"{name} {ms:.0f} ms" for name, ms in taken.items())


def as_fields(taken: Mapping[str, float]) -> dict[str, float]:
    """For a program's log: `{"decode_ms": 12.3}`."""
    return {f"{name}_ms": round(ms, 1) for name, ms in taken.items()}
