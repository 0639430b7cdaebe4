"""The limits on image sizes. Values only. Used by `probe` and `render`; reported by `GET /api/limits`."""

from dataclasses import dataclass

EDGE_PX = 250_000
"""The longest edge accepted: Pillow joins each row from 64 KB pieces in quadratic time. 1 MB a row is still fast."""


@dataclass(frozen=True)
class Limits:
    """Limits checked from the header, before any decoding. Pixels are width x height."""

    pixels: int = 100_000_000  # 100 Mpx: 400 MB decoded, as Pillow uses 4 bytes a pixel
    pixels_baseline_jpeg: int = 250_000_000  # decoded at 1/2 to 1/8 scale: about 50 MB resident
    pixels_progressive_jpeg: int = (
        60_000_000  # full-size coefficient buffers: 3 bytes a pixel in 4:2:0, 180 MB
    )
    pixels_in_strips: int = 0  # TIFF and PNG above `pixels` that can be decoded strip by strip; 0: rejected
    jpeg_scans: int = 100  # encoders write about 10; 1,000 scans in 195 KB took 13 s
