"""Match originals with their thumbnails by merging two listings in the same byte order.

Holds in memory the thumbnails that sort between an original and its own thumbnails: nearly none if all names have the
same length. Used by `scanner` for all scans.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from filestore.store import FolderFiles, ListedFile
from pregen.scan.image_names import is_image, original_of

Thumbnails = dict[int, ListedFile]
"""The thumbnails of one original by scale in pixels."""


@dataclass(slots=True)
class MatchedImages:
    """Images of one folder below `originals/`, in byte order, and their thumbnails by the name of the image.

    `folder` is relative to `originals/`, and empty for `originals/` itself.
    """

    folder: str
    originals: list[ListedFile]
    thumbnails: dict[str, Thumbnails]


@dataclass
class Matcher:
    """One pass over a collection. `without_original`: the number of thumbnails without an original so far."""

    originals: Iterator[FolderFiles]
    thumbnails: Iterator[FolderFiles]
    without_original: int = 0
    _pending: dict[str, dict[str, Thumbnails]] = field(default_factory=dict)

    def matched(self) -> Iterator[MatchedImages]:
        """Yield the images folder by folder, in byte order of their keys.

        The folders of both listings are relative to `originals/` and `thumbnails/`.
        """
        next_files = next(self.thumbnails, None)
        for folder, files in self.originals:
            images = [file for file in files if is_image(file[0])]
            if not images:
                continue
            last = _last_thumbnail_sort_key(folder, images)
            while next_files is not None and _sort_key(next_files.folder, next_files.files[0][0]) <= last:
                self._add_pending(next_files)
                next_files = next(self.thumbnails, None)
            yield MatchedImages(folder, images, self._pop_thumbnails(folder, images))
            self._drop_passed(_sort_key(folder, images[-1][0]))
        self.without_original += sum(
            len(found) for by_name in self._pending.values() for found in by_name.values()
        )
        self._pending.clear()
        while next_files is not None:
            self.without_original += sum(is_image(file[0]) for file in next_files.files)
            next_files = next(self.thumbnails, None)

    def _add_pending(self, run: FolderFiles) -> None:
        by_name = self._pending.setdefault(run.folder, {})
        for file in run.files:
            if is_image(file[0]):
                name, scale_px = original_of(file[0])
                # Of `_200` and `_0200`, which have the same scale, the one listed last is used.
                by_name.setdefault(name, {})[scale_px] = file

    def _pop_thumbnails(self, folder: str, images: list[ListedFile]) -> dict[str, Thumbnails]:
        by_name = self._pending.get(folder)
        if not by_name:
            return {}
        popped = {}
        for image in images:
            thumbnails = by_name.pop(image[0], None)
            if thumbnails is not None:
                popped[image[0]] = thumbnails
        return popped

    def _drop_passed(self, place: bytes) -> None:
        """Drop thumbnails whose original sorts at or before `place` and was therefore not found."""
        for folder in list(self._pending):
            by_name = self._pending[folder]
            for name in [name for name in by_name if _sort_key(folder, name) <= place]:
                self.without_original += len(by_name.pop(name))
            if not by_name:
                del self._pending[folder]


def _sort_key(folder: str, name: str) -> bytes:
    return os.fsencode(f"{folder}/{name}" if folder else name)


def _last_thumbnail_sort_key(folder: str, images: list[ListedFile]) -> bytes:
    """A key that sorts after the last thumbnail of these images, because `:` sorts after the digits of a scale."""
    return _sort_key(folder, max([image[0].rpartition(".")[0] + "_:" for image in images]))
