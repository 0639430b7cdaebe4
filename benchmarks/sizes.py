"""What is made of every image, as config/settings.py has it: label -> longest edge in pixels, and JPEG's quality.

Used by the benchmarks that render, or that stand for what was rendered.
"""

from __future__ import annotations

SCALES = {"small": 240, "medium": 1024, "large": 1500}
QUALITY = 82
