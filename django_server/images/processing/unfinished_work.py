"""The number of images being processed, in words, for the line that `manage.py serve` prints at Ctrl+C."""

import threading

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from images.models import Image, Status

# Ctrl+C must not wait for a database that does not respond.
_QUERY_SECONDS = 1.0


def unfinished_work() -> str:
    """Such as "2 images being processed, at most 45 s each"; empty if none, or if the database does not respond."""
    counts: list[int] = []
    query = threading.Thread(target=_count, args=(counts,), daemon=True)
    query.start()
    query.join(_QUERY_SECONDS)
    # A worker also holds claims of images that it has not begun. It returns those.
    images = min(sum(counts), settings.WORKER_PROCESSES + settings.RENDER_SLOTS)
    if not images:
        return ""
    noun = "image" if images == 1 else "images"
    each = "" if images == 1 else " each"
    return f"{images} {noun} being processed, at most {settings.RENDER_SECONDS} s{each}"


def _count(counts: list[int]) -> None:
    try:
        counts.append(Image.objects.filter(status=Status.PROCESSING).count())
    except (DatabaseError, InterfaceError):
        return
    finally:
        connection.close()
