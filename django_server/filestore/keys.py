"""The naming rule: build the key of an original and of each of its thumbnails, and parse it back.

    {prefix}/{collection}/originals/{aa}/{bb}/{name}.{ext}
    {prefix}/{collection}/thumbnails/{aa}/{bb}/{name}_{scale}.{ext}

Pure: works on strings and opens no files. Parsing a built key returns the same parts. Uploads use two levels of folders
below `originals/`, each named by two hex digits; in an existing archive they may have any depth.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

ORIGINALS = "originals"
THUMBNAILS = "thumbnails"
_SHARD_NAME = re.compile(r"[0-9a-f]{4}")
# ASCII digits only: `\d` would also match ٣.
_SCALED_STEM = re.compile(r"(?P<stem>.*)_(?P<digits>[0-9]+)", re.DOTALL)

ThumbnailFormat = Literal["JPEG", "PNG", "GIF"]
EXTENSIONS_OF_JPEG_THUMBNAILS = frozenset({"tif", "tiff", "bmp"})
"""A thumbnail in an archive keeps the extension of its original. With one of these extensions it contains JPEG
nevertheless, so that browsers show it."""
_FORMATS: dict[str, ThumbnailFormat] = {"png": "PNG", "gif": "GIF"}


def is_utf8(name: str) -> bool:
    """Whether a name is valid UTF-8. A file system allows other names; a database or a manifest does not."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


class InvalidKey(ValueError):
    """A key that does not follow the naming rule."""


@dataclass(frozen=True)
class OriginalKey:
    """The key of an original. `folder`: the path below `originals/`, possibly empty, without slashes at its ends."""

    prefix: str
    collection: str
    folder: str
    stem: str
    extension: str

    def __str__(self) -> str:
        return _join(self.prefix, self.collection, ORIGINALS, self.folder, f"{self.stem}.{self.extension}")


@dataclass(frozen=True)
class ThumbnailKey:
    """The key of one thumbnail of `original`. `digits`: the scale as written (`0200` and `200` are different keys)."""

    original: OriginalKey
    digits: str

    @property
    def scale_px(self) -> int:
        return int(self.digits)

    def __str__(self) -> str:
        original = self.original
        name = f"{original.stem}_{self.digits}.{original.extension}"
        return _join(original.prefix, original.collection, THUMBNAILS, original.folder, name)


def upload_key(prefix: str, collection: str, name: str, extension: str) -> OriginalKey:
    """The key of an uploaded original.

    `name` must begin with four lower-case hex digits, as an image id does: they spread a collection over 65,536
    folders. Raises InvalidKey if it does not.
    """
    if not _SHARD_NAME.match(name):
        raise InvalidKey(f"The name {name!r} does not begin with four hex digits.")
    return OriginalKey(prefix, collection, f"{name[:2]}/{name[2:4]}", name, extension)


def thumbnail_key(original: OriginalKey, scale_px: int, extension: str | None = None) -> ThumbnailKey:
    """The key of the thumbnail of `original` with a requested longest edge of `scale_px` pixels.

    `extension`: the thumbnail's extension, if it differs from the original's (thumbnails of uploads are `jpg`).
    """
    if scale_px < 1:
        raise InvalidKey(f"A scale is at least 1 pixel, not {scale_px}.")
    source = original if extension is None else replace(original, extension=extension)
    return ThumbnailKey(source, str(scale_px))


def thumbnail_format(extension: str) -> ThumbnailFormat:
    """The format of a thumbnail with this extension."""
    return _FORMATS.get(extension.lower(), "JPEG")


def parse_original(key: str, prefix: str) -> OriginalKey:
    """Parse the key of an original. Raises InvalidKey if `key` is not the key of an original below `prefix`."""
    collection, folder, stem, extension = _parse(key, prefix, ORIGINALS)
    return OriginalKey(prefix, collection, folder, stem, extension)


def parse_thumbnail(key: str, prefix: str) -> ThumbnailKey:
    """Parse the key of a thumbnail. The last `_digits` is the scale: `big_200_200.jpg` belongs to `big_200.jpg`.

    Raises InvalidKey if `key` is not the key of a thumbnail below `prefix`. The returned original has the thumbnail's
    extension; the stored original may have another one.
    """
    collection, folder, stem, extension = _parse(key, prefix, THUMBNAILS)
    scaled = _SCALED_STEM.fullmatch(stem)
    if scaled is None:
        raise InvalidKey(f"The key {key!r} does not end in _<scale>.<extension>.")
    return ThumbnailKey(OriginalKey(prefix, collection, folder, scaled["stem"], extension), scaled["digits"])


def _parse(key: str, prefix: str, kind: str) -> tuple[str, str, str, str]:
    root = f"{prefix}/" if prefix else ""
    collection, separator, rest = key.removeprefix(root).partition(f"/{kind}/")
    if not key.startswith(root) or not separator or not collection or "/" in collection:
        raise InvalidKey(f"The key {key!r} is not below {root}<collection>/{kind}/.")
    folder, _, name = rest.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not dot or not extension:
        raise InvalidKey(f"The key {key!r} has no extension.")
    return collection, folder, stem, extension


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)
