"""Originals and their thumbnails, matched by merging two listings in the same byte order.

Owns the rule of what belongs together, in every mode of a scan. Holds what lies between an original and its
thumbnails in that order: with names of one length that is next to nothing. Used by `scan`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from filestore.store import Listed, Run
from pregen.scan.image_names import is_image, original_of

Thumbnails = dict[int, Listed]
"""Thumbnails of one original by scale in pixels."""


@dataclass(slots=True)
class Matched:
    """Images of one folder below `originals/`, in order, and the thumbnails of those that have any, by name.

    `folder` is relative, empty at the top.
    """

    folder: str
    originals: list[Listed]
    thumbnails: dict[str, Thumbnails]


@dataclass
class Matcher:
    """One pass over a collection. `without_original`: thumbnails nobody claimed, up to where the pass has come."""

    originals: Iterator[Run]
    thumbnails: Iterator[Run]
    without_original: int = 0
    _held: dict[str, dict[str, Thumbnails]] = field(default_factory=dict)

    def matched(self) -> Iterator[Matched]:
        """Run by run, in byte order of the originals' keys. Runs are relative to `originals/` and `thumbnails/`."""
        ahead = next(self.thumbnails, None)
        for folder, files in self.originals:
            images = [file for file in files if is_image(file[0])]
            if not images:
                continue
            last = _last_place(folder, images)
            while ahead is not None and _place(ahead.folder, ahead.files[0][0]) <= last:
                self._hold(ahead)
                ahead = next(self.thumbnails, None)
            yield Matched(folder, images, self._take(folder, images))
            self._drop_passed(_place(folder, images[-1][0]))
        self.without_original += sum(len(found) for held in self._held.values() for found in held.values())
        self._held.clear()
        while ahead is not None:
            self.without_original += sum(is_image(file[0]) for file in ahead.files)
            ahead = next(self.thumbnails, None)

    def _hold(self, run: Run) -> None:
        by_name = self._held.setdefault(run.folder, {})
        for file in run.files:
            if is_image(file[0]):
                name, scale_px = original_of(file[0])
                # Of `_200` and `_0200` the later one counts.
                by_name.setdefault(name, {})[scale_px] = file

    def _take(self, folder: str, images: list[Listed]) -> dict[str, Thumbnails]:
        by_name = self._held.get(folder)
        if not by_name:
            return {}
        taken = {}
        for image in images:
            thumbnails = by_name.pop(image[0], None)
            if thumbnails is not None:
                taken[image[0]] = thumbnails
        return taken

    def _drop_passed(self, place: bytes) -> None:
        """Forget thumbnails whose original would have come by now."""
        for folder in list(self._held):
            by_name = self._held[folder]
            for name in [name for name in by_name if _place(folder, name) <= place]:
                self.without_original += len(by_name.pop(name))
            if not by_name:
                del self._held[folder]


def _place(folder: str, name: str) -> bytes:
    return os.fsencode(f"{folder}/{name}" if folder else name)


def _last_place(folder: str, images: list[Listed]) -> bytes:
    """No thumbnail of these lies behind it: `:` follows the digits of a scale."""
    return _place(folder, max([image[0].rpartition(".")[0] + "_:" for image in images]))
