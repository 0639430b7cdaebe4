"""Damage files of the corpus as transfers, disks and attackers do. Pure: bytes and a random generator in, bytes out."""

import random
from collections.abc import Sequence

from tests.support.corpus.entry import Recipe

_LARGEST_BYTES = 200_000  # more only takes longer: the odd parts of a file are its headers
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_HEADER_BYTES = 600
_MAX_CHANGES = 6


def subjects(recipes: Sequence[Recipe]) -> list[Recipe]:
    """Those of the corpus that are worth it: pictures of a kind that is decoded, small ones."""
    return [
        recipe
        for recipe in recipes
        if 8 <= len(recipe.data) <= _LARGEST_BYTES and recipe.outcome in ("completed", "corrupt_image")
    ]


def mutated(recipes: list[Recipe], dice: random.Random) -> tuple[str, bytes]:
    """One of the files with a few changes, and the name of what it was."""
    recipe = dice.choice(recipes)
    data = bytearray(recipe.data)
    for _ in range(dice.randint(1, _MAX_CHANGES)):
        if len(data) > 8:
            _change(data, dice, recipes)
    return recipe.name, bytes(data)


def _change(data: bytearray, dice: random.Random, recipes: list[Recipe]) -> None:
    end = min(len(data), _HEADER_BYTES) if dice.random() < 0.6 else len(data)
    at = dice.randrange(end)
    length = dice.choice((1, 2, 4, 16, 200))
    match dice.randrange(7):
        case 0:
            data[at] ^= 1 << dice.randrange(8)
        case 1:
            data[at] = dice.randrange(256)
        case 2:
            width = dice.choice((1, 2, 4))
            order = dice.choice(("big", "little"))
            number = dice.choice(_NUMBERS) & (256**width - 1)
            data[at : at + width] = number.to_bytes(width, "big" if order == "big" else "little")
        case 3:
            del data[at : at + length]
        case 4:
            data[at:at] = data[at : at + length]
        case 5:
            other = dice.choice(recipes).data
            start = dice.randrange(len(other))
            data[at : at + length] = other[start : start + length]
        case 6:
            del data[max(8, dice.randrange(len(data))) :]
