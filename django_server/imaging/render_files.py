"""Render an image file to thumbnail files. All arguments are picklable, so another process can run it."""

from collections.abc import Mapping
from pathlib import Path

from .pixel_limits import Limits
from .render import OutputFormat, Rendering, render


def render_files(
    source: Path,
    scales: Mapping[str, int],
    targets: Mapping[str, Path],
    quality: int,
    limits: Limits,
    output_format: OutputFormat = "JPEG",
) -> Rendering:
    """Render the image at `source` into the file `targets[label]` of each label. Raises as `render` does."""
    with source.open("rb") as file:
        return render(
            file,
            scales,
            quality=quality,
            output_format=output_format,
            open_target=lambda label: targets[label].open("w+b"),
            limits=limits,
        )
