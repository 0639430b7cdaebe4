"""What came of working on one image: values between `render`, `chunk` and `transitions`."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from images.rows import ThumbnailRow


@dataclass(frozen=True)
class Rendered:
    """The files of `image_id` are at their keys. Width and height are the original's, upright, in pixels."""

    image_id: UUID
    width: int
    height: int
    thumbnails: Sequence[ThumbnailRow]


@dataclass(frozen=True)
class Failed:
    """The image can never be rendered, with the code and sentence a person gets."""

    image_id: UUID
    code: str
    message: str


@dataclass(frozen=True)
class Postponed:
    """The storage did not answer: the image itself may be fine and is tried again later."""

    image_id: UUID


Outcome = Rendered | Failed
