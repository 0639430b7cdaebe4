"""Judging a file from its header. Owns nothing but the door; used by uploads before a file is accepted."""

from typing import BinaryIO

from .errors import decoding
from .limits import Limits
from .opening import Probe, inspect

_DEFAULT_LIMITS = Limits()


def probe(source: BinaryIO, limits: Limits = _DEFAULT_LIMITS) -> Probe:
    """What `source` (seekable, read from its start) is, by its content. Nothing is decoded; its position changes.

    Raises EmptyFile, UnsupportedType, TooManyPixels or CorruptImage. A file that passes can still turn out
    damaged when it is rendered.
    """
    with decoding():
        found, _ = inspect(source, limits)
        return found
