"""Damage files of the corpus as transfers, disks and attackers do. Pure: bytes and a random generator in, bytes out."""

import random
from collections.abc import Sequence

from tests.support.corpus.entry import Recipe

_LARGEST_BYTES = 200_000  # a larger file only takes longer: most failures come from damaged headers
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_HEADER_BYTES = 600
_MAX_CHANGES = 6


def subjects(recipes: Sequence[Recipe]) -> list[Recipe]:
    """The files of the corpus to damage: small images of a type that is decoded."""
    return [
        recipe
        for recipe in recipes
        if 8 <= len(recipe.data) <= _LARGEST_BYTES and recipe.outcome in ("completed", "corrupt_image")
    ]


def mutated(recipes: list[Recipe], rng: random.Random) -> tuple[str, bytes]:
    """The name of a randomly chosen file, and its content with a few changes."""
    recipe = rng.choice(recipes)
    data = bytearray(recipe.data)
    for _ in range(rng.randint(1, _MAX_CHANGES)):
        if len(data) > 8:
            _change(data, rng, recipes)
    return recipe.name, bytes(data)


def _change(data: bytearray, rng: random.Random, recipes: list[Recipe]) -> None:
    end = min(len(data), _HEADER_BYTES) if rng.random() < 0.6 else len(data)
    at = rng.randrange(end)
    length = rng.choice((1, 2, 4, 16, 200))
    match rng.randrange(7):
        case 0:
            data[at] ^= 1 << rng.randrange(8)
        case 1:
            data[at] = rng.randrange(256)
        case 2:
            width = rng.choice((1, 2, 4))
            order = rng.choice(("big", "little"))
            number = rng.choice(_NUMBERS) & (256**width - 1)
            data[at : at + width] = number.to_bytes(width, "big" if order == "big" else "little")
        case 3:
            del data[at : at + length]
        case 4:
            data[at:at] = data[at : at + length]
        case 5:
            other = rng.choice(recipes).data
            start = rng.randrange(len(other))
            data[at : at + length] = other[start : start + length]
        case 6:
            del data[max(8, rng.randrange(len(data))) :]
