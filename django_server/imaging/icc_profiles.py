"""Convert colours to sRGB through the embedded ICC profile.

Decides which profiles need a conversion. Must not change the size of an image. Called by `render` after the first
resize, because the cost is per pixel.
"""

import io
from functools import lru_cache

from PIL import Image, ImageCms

from .errors import decoding

_PROFILE_MODES = frozenset({"L", "RGB", "CMYK", "LAB"})
# If a transform leaves these colours unchanged, its profile is sRGB, whatever name the profile has.
_SWATCHES = [(value, value, value) for value in range(0, 256, 17)] + [
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255),
    (200, 80, 40), (40, 120, 200), (90, 160, 60), (230, 190, 170),
]  # fmt: skip
_INVISIBLE_DIFFERENCE = 2  # of 255


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert `image` (L, RGB, CMYK or LAB) to sRGB: mode RGB, or L for a gray image without a profile.

    A profile that is broken, or is for another colour space than the image's, is ignored.
    """
    if image.mode not in _PROFILE_MODES:
        raise ValueError(f"not a plain mode: {image.mode}")
    transform = _transform(profile, image.mode) if profile or image.mode == "LAB" else None
    if transform is not None:
        with decoding():  # This uses the profile from the file.
            return transform.apply(image)
    return image.convert("RGB") if image.mode == "CMYK" else image


@lru_cache(maxsize=16)  # photos of one phone share a profile; building a transform takes milliseconds
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        if mode == "LAB":
            return _build(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), mode)
        transform = _build(ImageCms.ImageCmsProfile(io.BytesIO(profile or b"")), mode)
        return None if mode == "RGB" and _is_identity(transform) else transform
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _build(source: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    # Browsers use the perceptual intent, too. For matrix profiles, its result equals that of the relative colorimetric
    # intent.
    return ImageCms.ImageCmsTransform(source, target, mode, "RGB", ImageCms.Intent.PERCEPTUAL)


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    swatches = Image.new("RGB", (len(_SWATCHES), 1))
    swatches.putdata(_SWATCHES)
    before, after = swatches.tobytes(), transform.apply(swatches).tobytes()
    return all(abs(a - b) <= _INVISIBLE_DIFFERENCE for a, b in zip(before, after, strict=True))
