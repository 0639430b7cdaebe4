"""The two images that all files of the corpus show, and their encoding by Pillow."""

import io

from PIL import Image

SIZE = (96, 64)
QUADRANTS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
GRAYS = (0, 85, 170, 255)


def quadrants(mode: str = "RGB", size: tuple[int, int] = SIZE) -> Image.Image:
    """Red, green above blue, white. With alpha, the white quarter is transparent, with black beneath."""
    width, height = size
    picture = Image.new("RGB", size)
    alpha = Image.new("L", size, 255)
    for index, colour in enumerate(QUADRANTS):
        left, top = (index % 2) * width // 2, (index // 2) * height // 2
        box = (left, top, left + width // 2, top + height // 2)
        picture.paste(colour, box)
        if mode == "RGBA" and index == 3:
            picture.paste((0, 0, 0), box)
            alpha.paste(0, box)
    if mode == "RGBA":
        picture.putalpha(alpha)
    return picture if mode in ("RGB", "RGBA") else picture.convert(mode)


def gray_values(size: tuple[int, int] = SIZE) -> list[list[int]]:
    """Rows of 0..255: the grays 0, 85 above 170, 255."""
    width, height = size
    return [[GRAYS[2 * (y >= height // 2) + (x >= width // 2)] for x in range(width)] for y in range(height)]


def grays(size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.frombytes("L", size, bytes(value for row in gray_values(size) for value in row))


def saved(picture: Image.Image, format_name: str, **options: object) -> bytes:
    """The bytes Pillow writes for `picture`."""
    memory = io.BytesIO()
    picture.save(memory, format_name, **options)
    return memory.getvalue()
