"""Write every file of the corpus, with its expected outcome.

    python -m tests.support.corpus.make_corpus FOLDER

Owns file names and writing. The output is the same every time. Used by the tests of every layer that accepts files.
Requests without a valid file (a missing field, a truncated body) belong to the tests of the API.
"""

import functools
import sys
from pathlib import Path

from . import jpegs, pngs, rasters, strangers
from .entry import COMPLETED, CorpusEntry, Recipe

__all__ = ["COMPLETED", "CorpusEntry", "Recipe", "build", "every_recipe"]

_PICTURES = ("jpeg", "png", "gif", "webp", "tiff", "bmp", "avif", "heic")


@functools.cache
def every_recipe() -> tuple[Recipe, ...]:
    """The whole corpus in memory: a few megabytes, built in a second, once a process."""
    recipes = (*jpegs.recipes(), *pngs.recipes(), *rasters.recipes(), *strangers.recipes())
    names = [recipe.name for recipe in recipes]
    if len(set(names)) != len(names):
        raise ValueError("two entries of the corpus have the same name")
    return recipes


def build(folder: Path) -> list[CorpusEntry]:
    """Write every file into `folder` (created if missing) and return the expected outcomes."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder, recipe) for recipe in every_recipe()]


def _write(folder: Path, recipe: Recipe) -> CorpusEntry:
    kind = recipe.name.split("-")[0]
    file_name = f"{recipe.name}.{kind if kind in _PICTURES else 'bin'}"
    path = folder / file_name
    path.write_bytes(recipe.data)
    client_name = file_name if recipe.client_name is None else recipe.client_name
    return CorpusEntry(
        recipe.name, path, recipe.outcome, recipe.width, recipe.height, recipe.shows, client_name
    )


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.support.corpus.make_corpus FOLDER")
    for entry in build(Path(sys.argv[1])):
        sys.stdout.write(f"{entry.outcome:18} {entry.path.stat().st_size:>9} {entry.path.name}\n")


if __name__ == "__main__":
    main()
