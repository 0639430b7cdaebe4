"""A program that probes and renders mutated images, in a process of its own because such an image may crash it.

    python -m tests.support.fuzz.render_mutated FOLDER SEED FILES SECONDS

Exits with 0 after FILES files or SECONDS, whichever is first, and prints the outcomes. The current file is always at
FOLDER/current: if this process ends otherwise (a signal, a file that takes 10 s of CPU time, an exception that is not
an ImagingError), that file is the cause.
"""

import collections
import contextlib
import io
import random
import signal
import sys
import time
from pathlib import Path

import imaging
from tests.support.corpus.make_corpus import every_recipe
from tests.support.fuzz.mutation import mutated, subjects

_SECONDS_PER_FILE = 10
_SCALES = {"small": 24, "medium": 240, "large": 1500}
# A header may claim any size: with these limits valid work stays within the memory and time allowed here.
_LIMITS = imaging.Limits(
    pixels=4_000_000, pixels_baseline_jpeg=8_000_000, pixels_progressive_jpeg=4_000_000, jpeg_scans=100
)


def render_many(folder: Path, seed: int, files: int, seconds: float) -> collections.Counter[str]:
    """The number of each outcome (`completed` or an error code)."""
    rng = random.Random(seed)
    recipes = subjects(every_recipe())
    until = time.monotonic() + seconds
    outcomes: collections.Counter[str] = collections.Counter()
    current = folder / "current"
    while sum(outcomes.values()) < files and time.monotonic() < until:
        name, data = mutated(recipes, rng)
        current.write_bytes(data)
        (folder / "made-from").write_text(name)
        outcomes[_outcome(data)] += 1
    return outcomes


def _outcome(data: bytes) -> str:
    # The signal's default action works inside a decoder too. CPU time, because the load of others does not count.
    signal.setitimer(signal.ITIMER_PROF, _SECONDS_PER_FILE)
    try:
        with contextlib.suppress(imaging.ImagingError):
            imaging.probe(io.BytesIO(data), _LIMITS)
        rendering = imaging.render(io.BytesIO(data), _SCALES, limits=_LIMITS)
    except imaging.ImagingError as error:
        return error.code
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    for thumbnail in rendering.thumbnails.values():
        wanted = imaging.fit(rendering.width, rendering.height, thumbnail.scale_px)
        if (thumbnail.width, thumbnail.height) != wanted:
            raise AssertionError(f"{thumbnail} is not {wanted}")
    return "completed"


if __name__ == "__main__":
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    found = render_many(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    # VmHWM, not getrusage(2), which includes the parent process up to the exec.
    peak_mb = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024
    sys.stdout.write(f"peak_mb {peak_mb}\n" + "".join(f"{code} {number}\n" for code, number in found.items()))
