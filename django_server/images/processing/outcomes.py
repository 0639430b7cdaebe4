"""The outcomes of processing one image. `render_image` returns them; `transitions` writes them to the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from images.row_values import ThumbnailRow


@dataclass(frozen=True)
class Rendered:
    """The thumbnails are rendered and stored.

    `width` and `height`: size of the original in pixels after the EXIF orientation is applied.
    """

    image_id: UUID
    width: int
    height: int
    thumbnails: Sequence[ThumbnailRow]


@dataclass(frozen=True)
class Failed:
    """The image can't be rendered. `code` is a key of `images.error_codes.ERRORS`, `message` a sentence for users."""

    image_id: UUID
    code: str
    message: str


@dataclass(frozen=True)
class Postponed:
    """The storage was unavailable. The image becomes pending again and is processed later."""

    image_id: UUID


Outcome = Rendered | Failed
