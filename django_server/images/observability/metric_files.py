"""The metric file of each process: a failure to write it never raises, and never kills the process.

prometheus-client writes values into memory-mapped files. There are two kinds of failures:

- A file can't be opened or extended (folder missing or read-only, no permission, no room). Then the process counts in
  memory from that time on, until it is started again. It logs one warning.
- A write to a mapped page for which the file system has no room: the kernel would kill the process with SIGBUS. So
  the room of a file is allocated before it is mapped.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

logger = logging.getLogger(__name__)

# The size with which prometheus-client creates a file. It doubles the size when the file is full.
FIRST_BYTES = 1 << 16
# More than one entry takes beside its key: two lengths, padding, value and time.
_ENTRY_BYTES = 40


class AllocatedFile(MmapedDict):
    """A metric file with room on the disk for all of its pages. Raises OSError if there is none."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode and not Path(filename).exists():
            _create(Path(filename))
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        if self._used + len(key.encode()) + _ENTRY_BYTES > self._capacity:
            # The file is open for appending: this is its second half.
            self._f.write(bytes(self._capacity))
            self._f.flush()
        super()._init_value(key)  # type: ignore[no-untyped-call]


def _create(path: Path) -> None:
    """Create a file without values. Other processes never read an incomplete one."""
    temporary = path.with_suffix(".new")
    try:
        temporary.write_bytes(bytes(FIRST_BYTES))
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def use_metric_files(file_of_this_process: Callable[[], str | int]) -> None:
    """Let all metrics that are created from now on write to the files of METRICS_DIR.

    `file_of_this_process`: returns the name of the file, without extension.
    """
    values.MmapedDict = AllocatedFile  # type: ignore[attr-defined]
    values.ValueClass = _tolerant(values.MultiProcessValue(file_of_this_process))


def _tolerant(file_value: type[Any]) -> type[Any]:
    """A class of values that write to files, and count in memory after the first failure of any of them."""

    class TolerantValue:
        _multiprocess = True
        failed = False

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._in_memory = values.MutexValue(*args, **kwargs)
            self._value = self._try(lambda: file_value(*args, **kwargs), None)

        def inc(self, amount: float) -> None:
            self._in_memory.inc(amount)
            self._try(lambda: self._value.inc(amount), None)

        def set(self, value: float, timestamp: float | None = None) -> None:
            self._in_memory.set(value, timestamp)
            self._try(lambda: self._value.set(value, timestamp), None)

        def get(self) -> float:
            return float(self._try(lambda: self._value.get(), self._in_memory.get()))

        def set_exemplar(self, exemplar: object) -> None:
            """Metric files have no exemplars."""

        def get_exemplar(self) -> None:
            return None

        def _try(self, use_file: Callable[[], Any], otherwise: Any) -> Any:
            if TolerantValue.failed:
                return otherwise
            try:
                return use_file()
            # All exceptions: after a failed change to another file, prometheus-client's values are inconsistent.
            except Exception as error:
                TolerantValue.failed = True
                logger.warning(
                    "Metrics can't be written to PROMETHEUS_MULTIPROC_DIR (%s). This process does not export its "
                    "counters until it is started again.",
                    error,
                )
                return otherwise

    return TolerantValue
