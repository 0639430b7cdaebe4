"""The error family of imaging, and the one door where what a library raises becomes one of them.

Owns the codes and the sentences people read. Must not decide limits or look at pixels.
Called by every module of this package that hands bytes to a decoder.
"""

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageCms


class ImagingError(Exception):
    """A picture that can't be used. Trying the same bytes again never helps.

    `code` is stable and goes on the wire; `message` is a sentence for a person, never a library's text.
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


# What Pillow, pillow-heif and their C parts were seen to raise on bad bytes. A list, not `Exception`: a mistake
# of our own (NameError, ImportError) must stay visible. Warnings arrive as errors under `-W error`.
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


@contextmanager
def decoding() -> Iterator[None]:
    """Turn whatever a decoder raises on bad bytes into CorruptImage or TooManyPixels.

    A failure of the file itself (an unreadable disk, a dropped connection) says nothing about the picture and
    passes through as it is.
    """
    try:
        yield
    except ImagingError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as failure:
        raise TooManyPixels from failure
    except _DECODER_FAILURES as failure:
        if isinstance(failure, OSError) and _is_failure_of_the_file(failure):
            raise
        raise CorruptImage from failure


def _is_failure_of_the_file(failure: OSError) -> bool:
    # Pillow's own OSErrors carry no errno. EINVAL is a seek to where a damaged header pointed.
    if isinstance(failure, ConnectionError | TimeoutError):
        return True
    return failure.errno not in (None, errno.EINVAL)
