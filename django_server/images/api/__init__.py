"""The HTTP API of the contract: parse, call, translate. What it says of errors stands in `images.errors`."""
