"""The one error of `serve`: why the site cannot start or continue, as a sentence for the operator."""


class ServeError(Exception):
    """The command prints its text without a traceback and exits with 1."""
