"""The only exception that `serve` raises for the operator."""


class ServeError(Exception):
    """The site cannot start or continue. The text is the reason; the command prints it and exits with 1."""
