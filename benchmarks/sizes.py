"""The thumbnails of every image as in config/settings.py: label -> longest edge in pixels, and JPEG quality.

Used by the benchmarks that render or insert rows of thumbnails.
"""

from __future__ import annotations

SCALES = {"small": 240, "medium": 1024, "large": 1500}
QUALITY = 82
