"""One file of the corpus and its expected outcome. Used by the makers of the corpus and by every test."""

from dataclasses import dataclass
from pathlib import Path

COMPLETED = "completed"


@dataclass(frozen=True)
class Recipe:
    """A file to generate: its bytes, its outcome (`completed` or an error code), and the picture in it.

    `width` x `height`: upright, in pixels. `shows`: "quadrants" (red, green / blue, white), "grays"
    (0, 85 / 170, 255), "dark above white", "white", or None where the picture itself does not matter.
    `client_name`: the file name that a client sends.
    """

    name: str
    data: bytes
    outcome: str = COMPLETED
    width: int | None = None
    height: int | None = None
    shows: str | None = None
    client_name: str | None = None


@dataclass(frozen=True)
class CorpusEntry:
    """A file of the corpus on disk; the fields are those of Recipe."""

    name: str
    path: Path
    outcome: str
    width: int | None
    height: int | None
    shows: str | None
    client_name: str
