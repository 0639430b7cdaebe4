"""Writes a folder of generated photos to try the software with, in the sizes and formats of a phone.

    python benchmarks/samples.py FOLDER [--count 12] [--seed 1]

Owns names, sizes and formats of the samples. Needs Pillow only. Used by `make samples`, the README and benchmarks.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageDraw
from scenes import make_photo

__all__ = ["make_photo", "make_samples"]

_ORIENTATION_TAG = 0x0112
_TURNED = 6  # EXIF: to be shown turned a quarter clockwise, what a phone held upright writes


@dataclass(frozen=True)
class Shot:
    """`width` x `height` as displayed. `upright`: stored in landscape with an EXIF orientation."""

    extension: str
    width: int
    height: int
    upright: bool = False


# 3 to 12 megapixels. The third one is the WebP of the README's curl lines.
_MIX = (
    Shot("jpg", 4000, 3000),
    Shot("jpg", 2448, 3264, upright=True),
    Shot("webp", 2048, 1536),
    Shot("jpg", 3264, 2448),
    Shot("png", 1200, 1200),
    Shot("jpg", 2304, 1728),
    Shot("jpg", 1944, 2592, upright=True),
    Shot("jpg", 4032, 2268),
    Shot("jpg", 2048, 2048),
    Shot("jpg", 3000, 4000, upright=True),
    Shot("jpg", 2560, 1440),
    Shot("webp", 1536, 2048),
)


def make_samples(folder: Path, count: int, seed: int, shrunk: int = 1) -> list[Path]:
    """Write photo-01.jpg, photo-02.jpg, photo-03.webp, ... Returns their paths.

    `shrunk` divides both edges: at 2 the mix is 0.4 MB an image, what a messenger leaves of a phone's photos.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number in range(1, count + 1):
        whole = _MIX[(number - 1) % len(_MIX)]
        shot = replace(whole, width=whole.width // shrunk, height=whole.height // shrunk)
        path = folder / f"photo-{number:02d}.{shot.extension}"
        _write(shot, path, seed * 12_000 + number)
        written.append(path)
    return written


def _write(shot: Shot, path: Path, seed: int) -> None:
    photo = make_photo(shot.width, shot.height, seed)
    if shot.extension == "png":
        _round_sticker(photo).save(path, "PNG", compress_level=3)
    elif shot.extension == "webp":
        photo.save(path, "WEBP", quality=85, method=1)
    elif shot.upright:
        exif = Image.Exif()
        exif[_ORIENTATION_TAG] = _TURNED
        photo.transpose(Image.Transpose.ROTATE_90).save(path, "JPEG", quality=90, exif=exif)
    else:
        photo.save(path, "JPEG", quality=90)


def _round_sticker(photo: Image.Image) -> Image.Image:
    mask = Image.new("L", photo.size, 0)
    edge = min(photo.size) // 30
    ImageDraw.Draw(mask).ellipse((edge, edge, photo.width - edge, photo.height - edge), fill=255)
    photo.putalpha(mask)
    return photo


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a folder of generated photos.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started = time.perf_counter()
    written = make_samples(options.folder, options.count, options.seed)
    total = sum(path.stat().st_size for path in written)
    print(
        f"{len(written)} photos, {total / 1e6:.1f} MB, in {options.folder} ({time.perf_counter() - started:.1f} s)"
    )


if __name__ == "__main__":
    main()
