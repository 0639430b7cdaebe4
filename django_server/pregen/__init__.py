"""The command line tool for an existing archive: `scan` writes a manifest of its files, `generate` renders missing
thumbnails, `report` reads the manifest.

Must not import Django. Uses `imaging` for pixels and `filestore` for names and stores. The server reads manifests and
journals, and its Celery workers run `tasks`.
"""
