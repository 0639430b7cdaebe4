"""`pregen` as a process, and an empty archive."""

from tests.support.pregen.tool import archive

__all__ = [
    "archive",
]
