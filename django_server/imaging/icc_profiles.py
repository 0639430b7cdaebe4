"""Colours brought to sRGB through the profile that came with them.

Owns which profiles are worth the work. Must not change a picture's size. Used by render, after the first resize:
the work is per pixel.
"""

import io
from functools import lru_cache

from PIL import Image, ImageCms

from .errors import decoding

_PROFILE_MODES = frozenset({"L", "RGB", "CMYK", "LAB"})
# A picture of these comes out unchanged exactly if its profile is sRGB, whatever the profile calls itself.
_SWATCHES = [(value, value, value) for value in range(0, 256, 17)] + [
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255),
    (200, 80, 40), (40, 120, 200), (90, 160, 60), (230, 190, 170),
]  # fmt: skip
_UNSEEN_DIFFERENCE = 2  # of 255


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` (L, RGB, CMYK or LAB) as sRGB, in mode RGB, or L where it is gray without a profile.

    A broken profile, or one of another colour space than the picture's, is as good as none.
    """
    if image.mode not in _PROFILE_MODES:
        raise ValueError(f"not a plain mode: {image.mode}")
    transform = _transform(profile, image.mode) if profile or image.mode == "LAB" else None
    if transform is not None:
        with decoding():  # the profile came with the file
            return transform.apply(image)
    return image.convert("RGB") if image.mode == "CMYK" else image


@lru_cache(maxsize=16)  # a phone's photos all carry the same one; building it takes milliseconds
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        if mode == "LAB":
            return _build(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), mode)
        transform = _build(ImageCms.ImageCmsProfile(io.BytesIO(profile or b"")), mode)
        return None if mode == "RGB" and _changes_nothing(transform) else transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _build(source: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    # Perceptual is what browsers do too; for matrix profiles it is the same as relative colorimetric.
    return ImageCms.ImageCmsTransform(source, target, mode, "RGB", ImageCms.Intent.PERCEPTUAL)


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    swatches = Image.new("RGB", (len(_SWATCHES), 1))
    swatches.putdata(_SWATCHES)
    before, after = swatches.tobytes(), transform.apply(swatches).tobytes()
    return all(abs(a - b) <= _UNSEEN_DIFFERENCE for a, b in zip(before, after, strict=True))
