"""The routes of the HTTP API and their schemas. Each parses, calls and builds the response; errors: `images.errors`."""
