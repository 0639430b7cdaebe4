"""The exceptions of this package, and the context managers that convert other exceptions to them.

Owns the codes and the sentences for users. Must not decide limits or read pixels. Every call of a decoder is inside
`decoding`, and every call of a header reader of this package is inside `parsing`. All other code is outside these
blocks, so that a bug of this program is not reported as a damaged image.
"""

import errno
import logging
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageCms

logger = logging.getLogger(__name__)


class ImagingError(Exception):
    """The image can't be used. A retry with the same bytes fails again.

    `code` is part of the API and never changes. `message` is a sentence for users, not the text of a library.
    """

    code = "corrupt_image"
    message = "This image is damaged or incomplete and cannot be read."

    def __init__(self, message: str | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.message)


class UnsupportedType(ImagingError):
    code = "unsupported_type"
    message = (
        "This is not an image of a type that is accepted: JPEG, PNG, GIF, WebP, TIFF, BMP, AVIF or HEIC."
    )


class TooManyPixels(ImagingError):
    code = "too_many_pixels"
    message = "This image has more pixels than are accepted."


class CorruptImage(ImagingError):
    code = "corrupt_image"
    message = "This image is damaged or incomplete and cannot be read."


class EmptyFile(ImagingError):
    code = "empty_file"
    message = "This file is empty."


# The exceptions that Pillow, pillow-heif and their C libraries raise on damaged bytes, as far as observed. `Exception`
# is not used instead, because NameError and ImportError are always bugs of this program. Python raises warnings as
# exceptions under `-W error`.
_DECODER_FAILURES = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    EOFError,
    BufferError,
    MemoryError,
    struct.error,
    zlib.error,
    ImageCms.PyCMSError,
    Warning,
)

# The exceptions of this package's header readers on damaged bytes: a header is too short, or an offset is invalid.
_PARSER_FAILURES = (OSError, ValueError, OverflowError, struct.error)


@contextmanager
def decoding() -> Iterator[None]:
    """Convert the exceptions of a decoder to CorruptImage or TooManyPixels, and log the cause.

    Put only the call of the library into the block. An error while the file is read (an unreadable disk, a dropped
    connection) does not mean that the image is damaged, and is not converted.
    """
    try:
        yield
    except ImagingError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as failure:
        raise TooManyPixels from failure
    except _DECODER_FAILURES as failure:
        raise _corrupt(failure) from failure


@contextmanager
def parsing() -> Iterator[None]:
    """As `decoding`, for the header readers of this package, which raise fewer kinds of exceptions."""
    try:
        yield
    except _PARSER_FAILURES as failure:
        raise _corrupt(failure) from failure


def _corrupt(failure: Exception) -> Exception:
    """Returns CorruptImage after logging the cause, or `failure` itself if the file could not be read."""
    if isinstance(failure, OSError) and _is_read_failure(failure):
        return failure
    cause = f"{type(failure).__name__}: {failure}"
    logger.info("The image can't be decoded: %s", cause)
    corrupt = CorruptImage()
    # Exceptions keep their notes when a pool process returns them. Pool processes have no log.
    corrupt.add_note(cause)
    return corrupt


def _is_read_failure(failure: OSError) -> bool:
    # OSErrors that Pillow raises itself have no errno. EINVAL comes from a seek to an invalid offset in a damaged
    # header.
    if isinstance(failure, ConnectionError | TimeoutError):
        return True
    return failure.errno not in (None, errno.EINVAL)
