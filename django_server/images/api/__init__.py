"""The routes of the HTTP API and their schemas. `images.error_codes` has the table of error codes."""
