"""The manifest: the JSON file in which a scan records originals and thumbnails. Read and written record by record."""
