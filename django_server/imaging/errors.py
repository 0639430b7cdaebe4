"""The errors of imaging, and the guards that turn a library's exception into one of them.

Owns the codes and the sentences for people. Must not decide limits or read pixels. Every module of this package that
calls a decoder guards that call with `decoding`, and every reader of headers is guarded with `parsing`. Our own
steps stay outside of both: a programming error of ours must not become "this image is damaged".
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
    """An image that can't be used. A retry with the same bytes never helps.

    `code` is stable and part of the API; `message` is a sentence for a person, never a library's text.
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


# What Pillow, pillow-heif and their C parts were seen to raise on damaged bytes. A list, not `Exception`: NameError and
# ImportError are always errors of ours. Warnings arrive as errors under `-W error`.
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

# What our own header readers meet on damaged bytes: too few of them, or an offset that can't be sought.
_PARSER_FAILURES = (OSError, ValueError, OverflowError, struct.error)


@contextmanager
def decoding() -> Iterator[None]:
    """Turn what a decoder raises on damaged bytes into CorruptImage or TooManyPixels, and log the cause.

    Guard single calls of a library, never steps of ours. A failure of the file itself (an unreadable disk, a dropped
    connection) says nothing about the image and is raised as it is.
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
    """As `decoding`, around one of our own header readers, which raises far fewer kinds of exceptions."""
    try:
        yield
    except _PARSER_FAILURES as failure:
        raise _corrupt(failure) from failure


def _corrupt(failure: Exception) -> Exception:
    """CorruptImage, with the cause in the log, or `failure` itself if it is a failure of the file."""
    if isinstance(failure, OSError) and _is_failure_of_the_file(failure):
        return failure
    cause = f"{type(failure).__name__}: {failure}"
    logger.info("The image can't be decoded: %s", cause)
    corrupt = CorruptImage()
    # A note survives the way out of a process pool, whose processes have no log.
    corrupt.add_note(cause)
    return corrupt


def _is_failure_of_the_file(failure: OSError) -> bool:
    # Pillow's own OSErrors have no errno. EINVAL is a seek to an offset from a damaged header.
    if isinstance(failure, ConnectionError | TimeoutError):
        return True
    return failure.errno not in (None, errno.EINVAL)
