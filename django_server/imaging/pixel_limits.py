"""The limits on image sizes. `probe` and `render` use them, and `GET /api/limits` reports them."""

from dataclasses import dataclass

MAX_EDGE_PX = 250_000
"""The longest accepted edge.

Pillow joins each row from pieces of 64 KB in quadratic time; a row of 1 MB is still fast.
"""


@dataclass(frozen=True)
class Limits:
    """Limits that are checked against the header, before any decoding. The number of pixels is width x height."""

    pixels: int = 100_000_000  # 100 Mpx: 400 MB decoded, as Pillow uses 4 bytes a pixel
    pixels_baseline_jpeg: int = 250_000_000  # decoded at 1/2 to 1/8 scale: about 50 MB of memory
    # A decoder keeps the coefficients of all pixels in memory: 3 bytes a pixel in 4:2:0, 180 MB.
    pixels_progressive_jpeg: int = 60_000_000
    pixels_in_strips: int = 0  # for a TIFF or PNG that can be decoded strip by strip; 0: `pixels` applies
    jpeg_scans: int = 100  # encoders write about 10; 1,000 scans in 195 KB took 13 s
