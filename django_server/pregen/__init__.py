"""The command line tool for an archive of images that exists already. Must not import Django.

`scan` writes a manifest of the archive's files, `generate` generates missing thumbnails, `report` prints counts from
the manifest. Uses `imaging` for pixels and `filestore` for keys and stores. The server reads manifests and journals,
and its Celery workers run `tasks`.
"""
