"""`pregen scan`: list originals and thumbnails of each collection and write what exists to a manifest."""
