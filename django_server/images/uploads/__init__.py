"""Uploads: files are spooled and hashed (`multipart`), validated, stored and inserted (`accept`), or rendered before
the response (`synchronous`). `idempotency` makes a repeated request safe, `spool` deletes abandoned spool files."""
