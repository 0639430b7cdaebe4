"""The manifest: the JSON file in which a scan lists originals and their thumbnails, one record for each original."""
