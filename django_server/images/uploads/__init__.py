"""Uploads.

A *spool file* is an uploaded file under its temporary name `incoming/{id}`; the image gets the same id. `multipart`
spools and hashes the files of a request, `validation` checks them, `accept` stores them and inserts their rows, and
`synchronous` stores one file and renders it before the response. `idempotency` makes a repeated request safe.
`abandoned_spool_files` deletes what crashed requests left. `upload_log` writes the log line.
"""
