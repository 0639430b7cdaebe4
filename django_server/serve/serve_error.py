"""The one error of `serve`: why the site can't start or can't go on, as a sentence for a person."""


class ServeError(Exception):
    """Its text is shown as it is, without a traceback; the exit code is 1."""
