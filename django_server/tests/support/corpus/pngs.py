"""The list of PNGs of the corpus. Used by make_corpus."""

import struct
import zlib

from PIL import Image

from . import raw_jpeg, raw_png
from .entry import Recipe
from .pictures import GRAYS, QUADRANTS, SIZE, gray_values, quadrants, saved


def recipes() -> list[Recipe]:
    return [
        *_gray_depths(),
        *_colours(),
        *_transparent(),
        *_broken(),
        Recipe("png-thousand-frames", _thousand_frames(), width=16, height=8),
        Recipe("png-65500x1", saved(Image.new("L", (65_500, 1), 90), "PNG"), width=65_500, height=1),
        Recipe("png-1x65500", saved(Image.new("L", (1, 65_500), 90), "PNG"), width=1, height=65_500),
        Recipe("png-10000x30", saved(Image.new("RGB", (10_000, 30), "teal"), "PNG"), width=10_000, height=30),
        Recipe("png-1x1", saved(Image.new("RGB", (1, 1), "teal"), "PNG"), width=1, height=1),
    ]


def _shown(name: str, data: bytes, shows: str = "quadrants") -> Recipe:
    return Recipe(name, data, width=SIZE[0], height=SIZE[1], shows=shows)


def _gray_depths() -> list[Recipe]:
    made = []
    for depth in (2, 4, 8, 16):
        top = (1 << depth) - 1
        pixels = [[(value * top // 255,) for value in row] for row in gray_values()]
        data = raw_png.write(pixels, depth, raw_png.GRAY)
        woven = raw_png.write(pixels, depth, raw_png.GRAY, interlaced=True)
        made += [_shown(f"png-gray-{depth}-bit", data, "grays")]
        made += [_shown(f"png-gray-{depth}-bit-interlaced", woven, "grays")]
    black_white = saved(Image.new("1", (40, 30), 1), "PNG")
    return [*made, Recipe("png-1-bit", black_white, width=40, height=30)]


def _rows(samples: tuple[tuple[int, ...], ...]) -> raw_png.Samples:
    """Rows that show four pixels as the four quarters."""
    width, height = SIZE
    return [
        [samples[2 * (y >= height // 2) + (x >= width // 2)] for x in range(width)] for y in range(height)
    ]


def _colours() -> list[Recipe]:
    deep = tuple(tuple(part * 257 for part in colour) for colour in QUADRANTS)
    palette = raw_png.chunk(b"PLTE", bytes(part for colour in QUADRANTS for part in colour))
    indices = _rows(((0,), (1,), (2,), (3,)))
    turned = raw_png.chunk(b"eXIf", raw_jpeg.exif(6).removeprefix(b"Exif\0\0"))
    return [
        _shown("png-rgb", saved(quadrants(), "PNG")),
        _shown("png-rgb-interlaced", raw_png.write(_rows(QUADRANTS), 8, raw_png.RGB, interlaced=True)),
        _shown("png-rgb-16-bit", raw_png.write(_rows(deep), 16, raw_png.RGB)),
        _shown("png-palette-2-bit", raw_png.write(indices, 2, raw_png.PALETTE, before=palette)),
        _shown("png-palette-4-bit", raw_png.write(indices, 4, raw_png.PALETTE, before=palette)),
        _shown("png-palette-8-bit", raw_png.write(indices, 8, raw_png.PALETTE, before=palette)),
        Recipe(
            "png-orientation-6",
            raw_png.write(_rows(QUADRANTS), 8, raw_png.RGB, before=turned),
            width=SIZE[1],
            height=SIZE[0],
        ),
    ]


def _transparent() -> list[Recipe]:
    hidden = (12, 34, 56)
    three = QUADRANTS[:3]
    see_through = (*((*colour, 255) for colour in three), (0, 0, 0, 0))
    deep = tuple(tuple(part * 257 for part in pixel) for pixel in see_through)
    palette = raw_png.chunk(b"PLTE", bytes(part for colour in (*three, hidden) for part in colour))
    palette += raw_png.chunk(b"tRNS", b"\xff\xff\xff\0")
    colour_key = raw_png.chunk(b"tRNS", struct.pack(">3H", *hidden))
    deep_key = raw_png.chunk(b"tRNS", struct.pack(">3H", *(part * 257 for part in hidden)))
    made = [
        _shown("png-rgba", saved(quadrants("RGBA"), "PNG")),
        _shown("png-rgba-16-bit", raw_png.write(_rows(deep), 16, raw_png.RGBA)),
        _shown(
            "png-palette-transparent",
            raw_png.write(_rows(((0,), (1,), (2,), (3,))), 8, raw_png.PALETTE, before=palette),
        ),
        _shown(
            "png-rgb-transparent", raw_png.write(_rows((*three, hidden)), 8, raw_png.RGB, before=colour_key)
        ),
        _shown(
            "png-rgb-16-bit-transparent",
            raw_png.write(
                _rows(tuple(tuple(part * 257 for part in pixel) for pixel in (*three, hidden))),
                16,
                raw_png.RGB,
                before=deep_key,
            ),
        ),
        _shown("png-la", raw_png.write(_gray_alpha(255), 8, raw_png.GRAY_ALPHA), "grays"),
        _shown("png-la-16-bit", raw_png.write(_gray_alpha(65_535), 16, raw_png.GRAY_ALPHA), "grays"),
    ]
    for depth in (2, 4, 8, 16):
        top = (1 << depth) - 1
        key = {2: 2, 4: 9, 8: 100, 16: 25_000}[depth]
        samples = ((0,), (top // 3,), (key,), (key,))
        table = raw_png.chunk(b"tRNS", struct.pack(">H", key))
        made.append(
            Recipe(
                f"png-gray-{depth}-bit-transparent",
                raw_png.write(_rows(samples), depth, raw_png.GRAY, before=table),
                width=SIZE[0],
                height=SIZE[1],
                shows="dark above white",
            )
        )
    return made


def _gray_alpha(top: int) -> raw_png.Samples:
    samples = tuple((value * top // 255, top) for value in GRAYS[:3])
    return _rows((*samples, (0, 0)))


def _broken() -> list[Recipe]:
    plain = saved(quadrants().resize((300, 200)), "PNG")
    rows = zlib.compress(bytes(20_000 // 8 + 1) * 20_000, 9)
    megabytes = zlib.compress(bytes(60_000_000), 9)
    pixels = _rows(QUADRANTS)
    return [
        Recipe("png-truncated", plain[: len(plain) // 2], "corrupt_image"),
        Recipe("png-cut-in-its-header", plain[:30], "corrupt_image"),
        Recipe("png-only-a-signature", plain[:8], "corrupt_image"),
        Recipe("png-without-pixels", raw_png.claim(96, 64), "corrupt_image"),
        Recipe("png-broken-pixels", raw_png.claim(96, 64, data=b"\x78\x9c" + b"\xff" * 90), "corrupt_image"),
        Recipe("png-bomb-20000x20000", raw_png.claim(20_000, 20_000, data=rows), "too_many_pixels"),
        Recipe("png-claims-four-billion", raw_png.claim(0x7FFFFFFF, 2, data=rows), "too_many_pixels"),
        Recipe(
            "png-text-bomb",
            raw_png.write(pixels, 8, raw_png.RGB, before=raw_png.chunk(b"zTXt", b"Comment\0\0" + megabytes)),
            "corrupt_image",
        ),
        Recipe(
            "png-international-text-bomb",
            raw_png.write(
                pixels, 8, raw_png.RGB, before=raw_png.chunk(b"iTXt", b"Comment\0\1\0\0\0" + megabytes)
            ),
            "corrupt_image",
        ),
        Recipe(
            "png-million-empty-chunks",
            raw_png.write(pixels, 8, raw_png.RGB, before=raw_png.chunk(b"tEXt", b"") * 300_000),
            "corrupt_image",
        ),
    ]


def _thousand_frames() -> bytes:
    return raw_png.animated((bytes((index % 256,)) * 128 for index in range(1_000)), 16, 8, 1_000)
