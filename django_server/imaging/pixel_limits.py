"""How large a picture may be. Owns the numbers, judges nothing. Used by probe and render; told by the API."""

from dataclasses import dataclass

EDGE_PX = 250_000
"""No picture may be longer: Pillow gathers each row in 64 KB pieces, in quadratic time. 1 MB a row is still quick."""


@dataclass(frozen=True)
class Limits:
    """Bounds checked from the header, before any decoding. Pixels are width times height."""

    pixels: int = 100_000_000  # 100 Mpx: 400 MB decoded, at the 4 bytes Pillow spends on a pixel
    pixels_baseline_jpeg: int = 250_000_000  # decoded at 1/2 to 1/8 scale: about 50 MB resident
    pixels_progressive_jpeg: int = (
        60_000_000  # full-size coefficient buffers: 3 bytes a pixel in 4:2:0, 180 MB
    )
    pixels_in_strips: int = (
        0  # TIFF and PNG beyond `pixels` that can be decoded strip by strip; 0: not accepted
    )
    jpeg_scans: int = 100  # encoders write about 10; 1,000 in 195 KB took 13 s
