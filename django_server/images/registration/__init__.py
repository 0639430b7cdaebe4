"""Register existing archives: the images of a pregen manifest become rows, shown beside the uploads.

`manifest_rows` maps a record to rows. `storage_match` checks that the manifest describes the configured storage.
`register` writes the rows. No file is written or deleted.
"""
