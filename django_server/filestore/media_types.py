"""The media type of a stored file, derived from its key alone: the same for every store and machine. Pure.

Extensions are reliable: an upload's extension is derived from its content, a thumbnail's is set by its renderer.
"""

from filestore.keys import EXTENSIONS_OF_JPEG_THUMBNAILS, THUMBNAILS, thumbnail_format

_MEDIA_TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "tif": "image/tiff", "tiff": "image/tiff", "bmp": "image/bmp", "avif": "image/avif", "heic": "image/heic",
    "json": "application/json",
}  # fmt: skip


def media_type(key: str) -> str:
    """The Content-Type. A thumbnail named .tif or .bmp contains JPEG; with `nosniff` browsers need the true type."""
    extension = key.rpartition(".")[2].lower()
    if f"/{THUMBNAILS}/" in key and extension in EXTENSIONS_OF_JPEG_THUMBNAILS:
        extension = thumbnail_format(extension).lower()
    return _MEDIA_TYPES.get(extension, "application/octet-stream")
