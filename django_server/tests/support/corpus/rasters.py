"""GIF, WebP, TIFF, BMP, AVIF and HEIC of the corpus. Owns their list; used by make_corpus.

The HEIC files are read from `heic/`: `generate_heic` explains why they are not encoded here.
"""

import random
import struct
from pathlib import Path

from PIL import Image

from .entry import Recipe
from .pictures import QUADRANTS, SIZE, gray_values, grays, quadrants, saved


def recipes() -> list[Recipe]:
    return [*_gifs(), *_webps(), *_tiffs(), *_bmps(), *_avifs(), *_heics()]


def _shown(name: str, data: bytes, shows: str = "quadrants") -> Recipe:
    return Recipe(name, data, width=SIZE[0], height=SIZE[1], shows=shows)


def _frames(count: int) -> list[Image.Image]:
    return [Image.new("L", (16, 8), index % 256) for index in range(count)]


def _animated_gif() -> bytes:
    first, *others = _frames(1_000)
    return saved(first, "GIF", save_all=True, append_images=others, duration=40)


def _gifs() -> list[Recipe]:
    plain = saved(quadrants(), "GIF")
    comment = b"!\xfe" + (b"\xff" + b"c" * 255) * 8_000 + b"\0"
    return [
        _shown("gif-plain", plain),
        _shown("gif-transparent", saved(_see_through_palette(), "GIF", transparency=3)),
        Recipe("gif-thousand-frames", _animated_gif(), width=16, height=8),
        _shown("gif-that-is-also-a-script", _script_polyglot(plain)),
        Recipe("gif-truncated", saved(quadrants(size=(600, 400)), "GIF")[:-60], "corrupt_image"),
        Recipe("gif-without-a-frame", plain[:13] + bytes(768) + b";", "corrupt_image"),
        Recipe(
            "gif-comment-bomb",
            plain[: _gif_head(plain)] + comment + plain[_gif_head(plain) :],
            "corrupt_image",
        ),
        Recipe("gif-claims-too-much", plain[:6] + b"\xff\xff\xff\xff" + plain[10:], "too_many_pixels"),
    ]


def _see_through_palette() -> Image.Image:
    """The quadrants by palette; the fourth colour, a dark one, is to be the transparent one."""
    width, height = SIZE
    indices = [2 * (y >= height // 2) + (x >= width // 2) for y in range(height) for x in range(width)]
    picture = Image.frombytes("P", SIZE, bytes(indices))
    picture.putpalette([part for colour in (*QUADRANTS[:3], (12, 34, 56)) for part in colour])
    return picture


def _gif_head(data: bytes) -> int:
    return 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)


def _script_polyglot(data: bytes) -> bytes:
    """A GIF with JavaScript in its comment: a picture that is a script as well."""
    script = b"*/=1;alert(1);/*"
    end = b"*/"
    head = _gif_head(data)
    return data[:head] + b"!\xfe" + bytes((len(script),)) + script + b"\0" + data[head:] + end


def _webps() -> list[Recipe]:
    plain = saved(quadrants(), "WEBP", lossless=True)
    turned = Image.Exif()
    turned[0x0112] = 6
    lying = quadrants().transpose(Image.Transpose.ROTATE_90)
    return [
        _shown("webp-lossless", plain),
        _shown("webp-lossy", saved(quadrants(), "WEBP", quality=95)),
        _shown("webp-transparent", saved(quadrants("RGBA"), "WEBP", lossless=True)),
        _shown("webp-orientation-6", saved(lying, "WEBP", lossless=True, exif=turned)),
        Recipe("webp-thousand-frames", _animated_webp(), width=16, height=8),
        Recipe("webp-claims-eleven-million-wide", _animated_webp(11_337_744), "too_many_pixels"),
        Recipe("webp-truncated", plain[: len(plain) * 2 // 3], "corrupt_image"),
        Recipe("webp-cut-with-honest-length", _webp_cut(), "corrupt_image"),
        Recipe("webp-only-a-signature", plain[:16], "corrupt_image"),
    ]


def _animated_webp(width: int = 16) -> bytes:
    """A thousand frames, written by hand (RFC 9649, 2.7), because encoders merge equal frames."""
    black, white = (
        saved(Image.new("RGB", (16, 8), colour), "WEBP", lossless=True)[12:] for colour in ("black", "white")
    )
    frame, canvas = (struct.pack("<I", edge - 1)[:3] + struct.pack("<I", 7)[:3] for edge in (16, width))
    chunks = [b"VP8X" + struct.pack("<IB3x", 10, 2) + canvas, b"ANIM" + struct.pack("<IIH", 6, 0, 0)]
    for index in range(1_000):
        body = bytes(6) + frame + struct.pack("<I", 40)[:3] + b"\0" + (white if index else black)
        chunks.append(b"ANMF" + struct.pack("<I", len(body)) + body)
    whole = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def _webp_cut() -> bytes:
    """A file cut in the middle, with every length field adjusted: only the decoder can notice."""
    noise = Image.frombytes("RGB", (300, 200), random.Random(4).randbytes(180_000))
    data = saved(noise, "WEBP", quality=90)
    body = data[20 : len(data) // 4 * 2]
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8 " + struct.pack("<I", len(body)) + body


def _tiffs() -> list[Recipe]:
    deep = Image.frombytes(
        "I;16", SIZE, b"".join(struct.pack("<H", value * 257) for row in gray_values() for value in row)
    )
    whole = Image.new("I", SIZE)
    whole.putdata([value * 1_000_000 for row in gray_values() for value in row])
    real = Image.new("F", SIZE)
    real.putdata([value / 255 - 0.5 for row in gray_values() for value in row])
    flat = Image.new("F", (20, 10), 0.5)
    lying = quadrants().transpose(Image.Transpose.ROTATE_90)
    plain = saved(quadrants(), "TIFF")
    lab = Image.merge("LAB", [Image.new("L", SIZE, value) for value in (255, 128, 128)])
    return [
        _shown("tiff-plain", plain),
        _shown("tiff-lzw", saved(quadrants(), "TIFF", compression="tiff_lzw")),
        _shown("tiff-deflate", saved(quadrants("RGBA"), "TIFF", compression="tiff_adobe_deflate")),
        _shown("tiff-jpeg", saved(quadrants(), "TIFF", compression="jpeg", quality=95)),
        _shown("tiff-cmyk", saved(quadrants("CMYK"), "TIFF")),
        _shown("tiff-ycbcr", saved(quadrants("YCbCr"), "TIFF")),
        _shown("tiff-16-bit", saved(deep, "TIFF"), "grays"),
        _shown("tiff-32-bit", saved(whole, "TIFF"), "grays"),
        _shown("tiff-float", saved(real, "TIFF"), "grays"),
        _shown("tiff-orientation-6", saved(lying, "TIFF", tiffinfo={274: 6})),
        Recipe("tiff-float-of-one-tone", saved(flat, "TIFF"), width=20, height=10),
        Recipe("tiff-lab", saved(lab, "TIFF"), width=SIZE[0], height=SIZE[1], shows="white"),
        Recipe("tiff-of-many-pages", saved(quadrants(), "TIFF", save_all=True, append_images=_frames(9)),
               width=SIZE[0], height=SIZE[1], shows="quadrants"),
        Recipe("tiff-truncated", plain[: len(plain) // 2], "corrupt_image"),
        Recipe("tiff-directory-outside", b"II*\0" + struct.pack("<I", 0x7FFFFFF0) + bytes(40), "corrupt_image"),
        Recipe("tiff-of-sixty-thousand-tags", _many_tags(), "corrupt_image"),
        Recipe("tiff-of-overlapping-tags", _overlapping_tags(), "corrupt_image"),
        Recipe("tiff-claims-too-much", _claiming_tiff(60_000, 60_000), "too_many_pixels"),
    ]  # fmt: skip


def _many_tags() -> bytes:
    entry = struct.pack("<HHII", 0x010E, 2, 4, 0)
    return b"II*\0" + struct.pack("<IH", 8, 60_000) + entry * 60_000


def _overlapping_tags() -> bytes:
    """A thousand tags with the same half megabyte of data: a reader that copies each needs half a gigabyte."""
    entries = b"".join(struct.pack("<HHII", 0x8000 + index, 7, 500_000, 0) for index in range(1_000))
    return b"II*\0" + struct.pack("<IH", 8, 1_000) + entries + bytes(500_000)


def _claiming_tiff(width: int, height: int) -> bytes:
    tags = (
        (256, width),
        (257, height),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
        (279, 10),
    )
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def _bmps() -> list[Recipe]:
    plain = saved(quadrants(), "BMP")
    return [
        _shown("bmp-plain", plain),
        _shown("bmp-palette", saved(quadrants("P"), "BMP")),
        _shown("bmp-gray", saved(grays(), "BMP"), "grays"),
        Recipe("bmp-truncated", plain[: len(plain) // 2], "corrupt_image"),
        Recipe(
            "bmp-claims-too-much",
            plain[:18] + struct.pack("<ii", 60_000, 60_000) + plain[26:],
            "too_many_pixels",
        ),
    ]


def _avifs() -> list[Recipe]:
    plain = saved(quadrants(), "AVIF", quality=95, subsampling="4:4:4", speed=9)
    turned = Image.Exif()
    turned[0x0112] = 6
    lying = quadrants().transpose(Image.Transpose.ROTATE_90)
    first, *others = _frames(5)
    moving = saved(first, "AVIF", save_all=True, append_images=others, speed=9)
    return [
        _shown("avif-plain", plain),
        _shown(
            "avif-transparent", saved(quadrants("RGBA"), "AVIF", quality=95, subsampling="4:4:4", speed=9)
        ),
        _shown(
            "avif-orientation-6", saved(lying, "AVIF", quality=95, subsampling="4:4:4", exif=turned, speed=9)
        ),
        Recipe("avif-animated", _without_times(moving), width=16, height=8),
        Recipe("avif-truncated", plain[: len(plain) - 60], "corrupt_image"),
        Recipe("avif-only-a-signature", plain[:24], "corrupt_image"),
    ]


def _without_times(data: bytes) -> bytes:
    """An AVIF sequence without the time it was made at (ISO 14496-12: two 64-bit times in version 1 headers)."""
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        at = data.index(box) + 8
        data = data[:at] + bytes(16) + data[at + 16 :]
    return data


def _heics() -> list[Recipe]:
    plain = _heic("plain")
    return [
        _shown("heic-plain", plain),
        _shown("heic-transparent", _heic("transparent")),
        _shown("heic-orientation-6", _heic("orientation-6")),
        Recipe("heic-truncated", plain[: len(plain) - 60], "corrupt_image"),
        Recipe("heic-only-a-signature", plain[:24], "corrupt_image"),
    ]


def _heic(name: str) -> bytes:
    return (Path(__file__).parent / "heic" / f"{name}.heic").read_bytes()
