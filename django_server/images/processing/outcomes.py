"""The outcomes of processing one image: values that `render_image` returns and `transitions` writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from images.row_values import ThumbnailRow


@dataclass(frozen=True)
class Rendered:
    """The files of `image_id` are at their keys. Width and height are the original's, upright, in pixels."""

    image_id: UUID
    width: int
    height: int
    thumbnails: Sequence[ThumbnailRow]


@dataclass(frozen=True)
class Failed:
    """The image can't be rendered. `code` is one of `images.errors`, `message` a sentence for a person."""

    image_id: UUID
    code: str
    message: str


@dataclass(frozen=True)
class Postponed:
    """The storage was unavailable. The image is tried again later."""

    image_id: UUID


Outcome = Rendered | Failed
