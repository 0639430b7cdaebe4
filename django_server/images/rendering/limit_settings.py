"""The decoding limits in the settings, as an `imaging.Limits`."""

from django.conf import settings

from imaging import Limits


def imaging_limits() -> Limits:
    """The decoding limits of the current settings."""
    return Limits(
        pixels=settings.MAX_PIXELS,
        pixels_baseline_jpeg=settings.MAX_PIXELS_BASELINE_JPEG,
        pixels_progressive_jpeg=settings.MAX_PIXELS_PROGRESSIVE_JPEG,
        jpeg_scans=settings.MAX_JPEG_SCANS,
    )
