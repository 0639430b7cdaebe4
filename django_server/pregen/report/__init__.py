"""`pregen report`: count the existing and the missing thumbnails of a manifest, and print the counts."""
