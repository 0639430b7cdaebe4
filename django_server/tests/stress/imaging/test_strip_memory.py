"""Images of 600 megapixels are rendered in bounded memory. Each takes seconds of CPU, so this is no unit test."""

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import imaging
from tests.support.corpus.large import quadrant_png, quadrant_tiff

_MAX_PIXELS = (24_494, 24_494)  # 599,956,036
# Not ru_maxrss, which begins with the parent's memory.
_PEAK = """
    import re, sys
    from pathlib import Path
    import imaging
    limits = imaging.Limits(pixels=200_000_000, pixels_in_strips=600_000_000)
    with open(sys.argv[1], "rb") as source:
        imaging.render(source, {"small": 240, "medium": 1024, "large": 1500}, limits=limits)
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.parametrize(
    ("make", "max_megabytes"),
    [
        pytest.param(lambda path: quadrant_tiff(path, _MAX_PIXELS, (24_494, 37)), 250, id="strips"),
        pytest.param(
            lambda path: quadrant_tiff(path, (24_576, 24_064), (256, 256), tiled=True), 250, id="tiles"
        ),
        pytest.param(
            lambda path: quadrant_tiff(path, (24_576, 23_552), (1_024, 512), tiled=True), 300, id="tall tiles"
        ),
        pytest.param(lambda path: quadrant_png(path, _MAX_PIXELS), 250, id="png"),
    ],
)
def test_600_megapixels_are_rendered_in_bounded_memory(
    make: Callable[[Path], None], max_megabytes: int, tmp_path: Path
) -> None:
    make(tmp_path / "picture")
    script = [sys.executable, "-c", textwrap.dedent(_PEAK), str(tmp_path / "picture")]
    root = Path(imaging.__file__).parent.parent
    peak = int(subprocess.run(script, cwd=root, capture_output=True, check=True, text=True).stdout)
    assert peak < max_megabytes
