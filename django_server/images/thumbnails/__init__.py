"""Generates missing and stale thumbnails of completed images, on request and in bulk.

`images.thumbnail_rules` defines which thumbnails an image has. `generate` decides whether to generate them, and in
which process; `render_and_store` renders and stores them. `generation_claims` claims an image, so that only one process
generates its thumbnails, and writes the rows. `originals` reads originals. `backfill` is the bulk command, and
`generate_chunk` the work of its task. `images.processing` generates the first thumbnails of an upload, with the same
renderer and rules.
"""
