"""Photo-like generated images: sky, sun, hills, water, grain. Seeded, so that they are reproducible.

Owns the look of the images. Needs Pillow only. Used by samples.py, by the benchmarks and by tests.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """Colours of a scene from the top of the sky to the foreground."""

    zenith: Colour
    horizon: Colour
    sun: Colour
    far: Colour
    near: Colour
    cloud: Colour


PALETTES = (
    Palette((38, 66, 120), (250, 178, 116), (255, 236, 190), (148, 118, 140), (30, 34, 44), (255, 208, 178)),
    Palette((60, 128, 204), (206, 230, 244), (255, 252, 236), (140, 172, 190), (46, 84, 46), (255, 255, 255)),
    Palette((24, 22, 58), (226, 92, 86), (255, 196, 120), (112, 56, 92), (18, 14, 30), (244, 138, 122)),
    Palette(
        (112, 168, 190), (248, 226, 178), (255, 248, 214), (206, 162, 116), (132, 70, 38), (255, 244, 226)
    ),
    Palette((12, 24, 52), (66, 118, 140), (222, 236, 246), (44, 80, 104), (10, 20, 30), (120, 160, 176)),
    Palette(
        (146, 176, 206), (240, 240, 244), (255, 255, 250), (196, 208, 222), (90, 108, 132), (255, 255, 255)
    ),
    Palette((70, 60, 118), (244, 196, 206), (255, 232, 222), (160, 128, 170), (52, 44, 78), (255, 220, 226)),
)
SCENES = ("hills", "peaks", "lake", "dunes", "aurora")
# Scene and palette by seed; the pairs fit each other.
_PAIRS = (
    ("lake", 0), ("peaks", 1), ("dunes", 3), ("aurora", 4), ("hills", 1), ("peaks", 2), ("lake", 4), ("dunes", 0),
    ("peaks", 6), ("hills", 2), ("aurora", 2), ("peaks", 5),
)  # fmt: skip


def make_photo(width: int, height: int, seed: int, scene: str | None = None, grain: int = 8) -> Image.Image:
    """A `width` x `height` RGB picture. `scene`: one of SCENES, by default the seed's choice.

    `grain` is the strength of the noise in values of 255: at 8 and quality 90, 12 megapixels make about 3 MB.
    """
    chance = random.Random(seed)
    usual, number = _PAIRS[seed % len(_PAIRS)]
    chosen = usual if scene is None else scene
    palette = PALETTES[number]
    horizon = chance.uniform(0.45, 0.62)
    picture = _sky(width, height, palette, horizon, chance)
    if chosen == "aurora":
        _stars(picture, chance)
        picture = _aurora(picture, chance)
    if chosen == "lake":
        _ridges(picture, palette, chance, layers=3, top=horizon - 0.12, bottom=horizon, swing=0.08)
        picture = _water(picture, horizon, palette)
    elif chosen == "dunes":
        _ridges(picture, palette, chance, layers=5, top=horizon, bottom=0.92, roughness=0.3, swing=0.09)
    elif chosen == "peaks":
        _ridges(
            picture, palette, chance, layers=4, top=horizon + 0.02, bottom=0.95, roughness=0.56, swing=0.17
        )
    else:
        _ridges(picture, palette, chance, layers=6, top=horizon - 0.05, bottom=0.9)
    return _grain(picture, grain, chance)


def noise(width: int, height: int, chance: random.Random) -> Image.Image:
    """Even noise, 0..255, in mode L."""
    return Image.frombytes("L", (width, height), chance.randbytes(width * height))


def _blend(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _soft_noise(width: int, height: int, chance: random.Random, cells: int) -> Image.Image:
    """Clouds in mode L: three octaves of noise, each twice as fine and half as strong."""
    size = (max(2, width // 4), max(2, height // 4))
    total: Image.Image | None = None
    for octave in range(4):
        count = cells << octave
        layer = noise(count, max(2, count * height // width), chance).resize(size, Image.Resampling.BICUBIC)
        total = layer if total is None else Image.blend(total, layer, 0.5 / (octave + 0.6))
    assert total is not None
    return total.resize((width, height), Image.Resampling.BILINEAR)


def _sky(width: int, height: int, palette: Palette, horizon: float, chance: random.Random) -> Image.Image:
    column = Image.new("RGB", (1, 256))
    for row in range(256):
        share = min(1.0, row / 255 / horizon) ** 1.35
        column.putpixel((0, row), _blend(palette.zenith, palette.horizon, share))
    sky = column.resize((width, height), Image.Resampling.BICUBIC)

    clouds = _soft_noise(width, height, chance, chance.choice((4, 5, 7)))
    threshold = chance.randint(118, 142)
    veil = clouds.point([max(0, min(190, (value - threshold) * 5)) for value in range(256)])
    sky.paste(palette.cloud, (0, 0, width, height), veil)

    at = (chance.uniform(0.18, 0.82) * width, (horizon - chance.uniform(0.08, 0.24)) * height)
    _glow(sky, palette.sun, at, radius=0.55 * max(width, height), strength=150)
    _glow(sky, palette.sun, at, radius=0.1 * max(width, height), strength=200)
    disc = 0.022 * max(width, height)
    ImageDraw.Draw(sky).ellipse((at[0] - disc, at[1] - disc, at[0] + disc, at[1] + disc), fill=palette.sun)
    return sky


def _glow(
    picture: Image.Image, colour: Colour, at: tuple[float, float], radius: float, strength: int
) -> None:
    fade = Image.radial_gradient("L").point(
        [round(strength * (1 - value / 255) ** 2) for value in range(256)]
    )
    edge = max(2, round(radius * 2))
    mask = fade.resize((edge, edge), Image.Resampling.BILINEAR)
    picture.paste(colour, (round(at[0] - radius), round(at[1] - radius), *_corner(at, radius, edge)), mask)


def _corner(at: tuple[float, float], radius: float, edge: int) -> tuple[int, int]:
    return round(at[0] - radius) + edge, round(at[1] - radius) + edge


def _outline(chance: random.Random, points: int, roughness: float) -> list[float]:
    """A ridge line of `points` heights around 0, by halving distances."""
    line = [chance.uniform(-1, 1), chance.uniform(-1, 1)]
    spread = 1.0
    while len(line) < points:
        spread *= roughness
        between = [(a + b) / 2 + chance.uniform(-spread, spread) for a, b in itertools.pairwise(line)]
        line = [value for pair in zip(line, between, strict=False) for value in pair] + [line[-1]]
    return line


def _ridges(
    picture: Image.Image,
    palette: Palette,
    chance: random.Random,
    *,
    layers: int,
    top: float,
    bottom: float,
    roughness: float = 0.52,
    swing: float = 0.07,
) -> None:
    width, height = picture.size
    texture = _soft_noise(width, height, chance, 60)
    for layer in range(layers):
        share = layer / max(1, layers - 1)
        base = (top + (bottom - top) * share) * height
        tallest = height * swing * (0.8 + 0.5 * share)
        line = _outline(chance, 600, roughness)
        step = width / (len(line) - 1)
        mask = Image.new("L", (width, height), 0)
        shape = [(index * step, base - value * tallest) for index, value in enumerate(line)]
        ImageDraw.Draw(mask).polygon([(0, height), *shape, (width, height)], fill=255)
        colour = _blend(palette.far, palette.near, share)
        picture.paste(colour, (0, 0, width, height), mask)
        lit = texture.point([round(max(0, value - 110) * (0.25 + 0.6 * share)) for value in range(256)])
        picture.paste(
            _blend(colour, palette.horizon, 0.45), (0, 0, width, height), ImageChops.multiply(lit, mask)
        )


def _water(picture: Image.Image, horizon: float, palette: Palette) -> Image.Image:
    width, height = picture.size
    line = round(horizon * height)
    above = picture.crop((0, max(0, 2 * line - height), width, line)).transpose(
        Image.Transpose.FLIP_TOP_BOTTOM
    )
    mirrored = above.resize((width, height - line)).filter(ImageFilter.BoxBlur(max(1, height / 400)))
    rippled = Image.new("RGB", mirrored.size)
    rows = mirrored.height
    top = 0
    while top < rows:
        depth = top / rows
        tall = max(1, round(height * (0.001 + 0.006 * depth)))
        shift = round(math.sin(top * 37.0) * width * 0.012 * (0.2 + depth))
        strip = mirrored.crop((0, top, width, min(rows, top + tall)))
        rippled.paste(ImageChops.offset(strip, shift, 0), (0, top))
        top += tall
    picture.paste(Image.blend(rippled, Image.new("RGB", rippled.size, palette.near), 0.22), (0, line))
    return picture


def _stars(picture: Image.Image, chance: random.Random) -> None:
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    for _ in range(420):
        x, y, r = (
            chance.random() * width,
            chance.random() * height * 0.5,
            width * chance.uniform(0.0002, 0.0009),
        )
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 255, chance.randint(220, 255)))


def _aurora(picture: Image.Image, chance: random.Random) -> Image.Image:
    width, height = picture.size
    for colour in ((70, 230, 160), (120, 110, 240), (60, 200, 220)):
        curtain = noise(chance.randint(14, 26), 2, chance).resize((width, height), Image.Resampling.BICUBIC)
        fade = (
            Image.linear_gradient("L")
            .resize((width, height))
            .point([round(255 * math.sin(math.pi * min(1.0, value / 165)) ** 2) for value in range(256)])
        )
        mask = ImageChops.multiply(curtain.point([max(0, value - 90) for value in range(256)]), fade)
        picture.paste(colour, (0, 0, width, height), mask)
    return picture


def _grain(picture: Image.Image, strength: int, chance: random.Random) -> Image.Image:
    if strength < 1:
        return picture
    width, height = picture.size
    table = [round(value / 255 * 2 * strength) for value in range(256)]
    fine = noise(width, height, chance).point(table)
    coarse = noise(width // 2 + 1, height // 2 + 1, chance).resize((width, height), Image.Resampling.BILINEAR)
    both = ImageChops.add(fine, coarse.point(table), 1, -strength)
    return ImageChops.add(picture, Image.merge("RGB", (both, both, both)), 1, -strength)
