"""Generating the thumbnails that completed images miss, on request and in bulk. The rules are `images.thumbnail_rules`.

`generate` decides whether to generate and by whom, `render_and_store` does it, `claims` writes the rows, `originals`
reads the bytes. `backfill` and `generate_chunk` are the bulk command and task. The first thumbnails of an upload come
from `images.processing`, by the same renderer and rules.
"""
