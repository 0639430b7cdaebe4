"""Write the three HEIC files of the corpus into `tests/support/corpus/heic/`, where they are committed (5 KB together).

    uv run --no-project --with pillow-heif==1.8.1 python -m tests.support.corpus.generate_heic

Run by hand, in an environment of its own, and only to change the files: the one encoder for HEIC, x265, is under the
GPL, so neither the server nor its tests depend on the package that carries it. Nothing imports this module.
"""

import io
from pathlib import Path

import pillow_heif
from PIL import Image

from .pictures import quadrants

FOLDER = Path(__file__).parent / "heic"


def main() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    _write("plain", quadrants())
    _write("transparent", quadrants("RGBA"))
    _write("orientation-6", quadrants().transpose(Image.Transpose.ROTATE_90), exif=turned.tobytes())


def _write(name: str, picture: Image.Image, **options: object) -> None:
    memory = io.BytesIO()
    pillow_heif.from_pillow(picture).save(memory, quality=-1, **options)  # -1: lossless
    (FOLDER / f"{name}.heic").write_bytes(memory.getvalue())


if __name__ == "__main__":
    main()
