"""Output: logs on stderr, reports and per-file lines on stdout, a progress bar on a terminal.

With `-q` only errors are logged. Used by all commands.
"""

import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

_LINES_EVERY_SECONDS = 10.0
_BAR_EVERY = 0.2
log = logging.getLogger("pregen")


def set_up_logging(*, quiet: bool, verbose: bool) -> None:
    """Log `YYYY-MM-DD HH:MM:SS [LEVEL] text` to stderr."""
    handler = _HandlerBesideBar(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s [%(levelname)s] %(message)s", "%Y-%m-%d %H:%M:%S"))
    log.handlers = [handler]
    log.propagate = False
    log.setLevel(logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO)


def write_line(text: str) -> None:
    """Print a line on stdout, above the progress bar if there is one."""
    _beside_bar(lambda: print(text))


class Progress:
    """Shows the progress of a command: a bar on a terminal, otherwise a log line every ten seconds. Nothing if `quiet`.

    The parameter `share` of `add` is the completed share of the work, 0 to 1, from which the remaining time is
    computed.
    """

    def __init__(self, what: str, unit: str, *, quiet: bool, total: int | None = None) -> None:
        self._what, self._unit, self._total = what, unit, total
        self._started = self._last_logged = time.monotonic()
        self._count = 0
        self._bar: Any = None
        self._quiet = quiet
        if not quiet and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                total=total, desc=what, unit=f" {unit}", file=sys.stderr, mininterval=_BAR_EVERY, leave=False
            )

    def add(self, count: int, share: float | None = None) -> None:
        self._count += count
        if self._quiet:
            return
        if self._bar is not None:
            if share:
                self._bar.total = max(self._count, round(self._count / share))
            self._bar.update(count)
        elif time.monotonic() - self._last_logged >= _LINES_EVERY_SECONDS:
            self._last_logged = time.monotonic()
            log.info(
                "%s",
                progress_text(
                    self._what, self._unit, self._count, self._seconds(), self._completed_share(share)
                ),
            )

    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _completed_share(self, share: float | None) -> float | None:
        return share or (self._count / self._total if self._total else None)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def progress_text(what: str, unit: str, count: int, seconds: float, share: float | None) -> str:
    """A progress line such as `scan: 12,000 files, 3,400/s, 1.5 minutes left`. Pure."""
    from pregen.formatting import duration_text

    text = f"{what}: {count:,} {unit}, {count / max(seconds, 1e-6):,.1f}/s"
    seconds_left = seconds * (1 - share) / share if share else None
    return text if seconds_left is None else f"{text}, {duration_text(max(0.0, seconds_left))} left"


class _HandlerBesideBar(logging.StreamHandler[Any]):
    def emit(self, record: logging.LogRecord) -> None:
        _beside_bar(lambda: super(_HandlerBesideBar, self).emit(record))


def _beside_bar(write: Callable[[], None]) -> None:
    # tqdm is loaded only if a bar is shown.
    tqdm = sys.modules.get("tqdm")
    if tqdm is None:
        write()
        return
    with tqdm.tqdm.external_write_mode(file=sys.stderr):
        write()
        with suppress(OSError, ValueError):
            sys.stdout.flush()
