"""`pregen scan`: list the originals and thumbnails of each collection, and write a manifest of them."""
