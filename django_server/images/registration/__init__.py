"""Register existing archives: the images of a pregen manifest become rows, shown beside the uploads.

`manifest_rows` maps a record to rows, `storage_match` checks that the manifest is of the configured storage, `register`
writes. No file is written or deleted.
"""
