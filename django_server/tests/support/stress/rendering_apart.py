"""A program of the memory tests: renders one file as a worker does and prints its peak memory.

    python -m tests.support.stress.rendering_apart FILE

Prints JSON: VmHWM in MB before and after, and the width of the rendered image.
"""

import io
import json
import os
import sys
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main(source: Path) -> None:
    django.setup(set_prefix=False)
    from django.conf import settings

    from images.rendering.limit_settings import imaging_limits
    from images.thumbnail_rules import sizes
    from imaging.render_files import render_files

    with tempfile.TemporaryDirectory() as folder:
        targets = {label: Path(folder) / label for label in sizes()}
        small = Path(folder) / "small.jpg"
        small.write_bytes(_small_jpeg())
        render_files(small, sizes(), targets, settings.THUMBNAILS["QUALITY"], imaging_limits())
        before = _peak_mb()
        rendering = render_files(source, sizes(), targets, settings.THUMBNAILS["QUALITY"], imaging_limits())
    print(json.dumps({"before": before, "peak": _peak_mb(), "width": rendering.width}))


def _small_jpeg() -> bytes:
    """Rendered first, so that libraries loaded with the first image are not part of the difference."""
    from PIL import Image as Picture

    out = io.BytesIO()
    Picture.new("RGB", (64, 48)).save(out, "JPEG")
    return out.getvalue()


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
