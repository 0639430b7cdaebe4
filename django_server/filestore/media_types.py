"""What a browser is told that a stored file is, by its key alone: the same from every store and on every machine. Pure.

Keys' extensions tell the truth: an upload gets its from its content, and a thumbnail from who renders it.
"""

from filestore.keys import EXTENSIONS_HOLDING_JPEG, THUMBNAILS, thumbnail_format

_MEDIA_TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "tif": "image/tiff", "tiff": "image/tiff", "bmp": "image/bmp", "avif": "image/avif", "heic": "image/heic",
    "json": "application/json",
}  # fmt: skip


def media_type(key: str) -> str:
    """A thumbnail named .tif or .bmp holds JPEG, and with `nosniff` a browser shows it under no other type."""
    extension = key.rpartition(".")[2].lower()
    if f"/{THUMBNAILS}/" in key and extension in EXTENSIONS_HOLDING_JPEG:
        extension = thumbnail_format(extension).lower()
    return _MEDIA_TYPES.get(extension, "application/octet-stream")
