"""Exceptions that end a command. Each has a message for people and an exit code. `cli` catches them."""


class PregenError(Exception):
    """The command can't continue. `str()` is the message."""

    exit_code = 1


class BadConfiguration(PregenError):
    """The options and the environment name no location of the images, or contradict each other."""


class UnreadableManifest(PregenError):
    """The manifest is missing, truncated, or not a manifest."""


class StaleManifest(PregenError):
    """The manifest is older than 24 hours."""


class UnknownCollection(PregenError):
    """A requested collection does not exist."""


class StoreFailure(PregenError):
    """The archive can't be reached, listed or written."""


class Interrupted(BaseException):
    """Ctrl+C or SIGTERM. Like KeyboardInterrupt it is not an Exception, so `except Exception` does not catch it."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_code = 128 + signal_number


def sentence_of(failure: OSError) -> str:
    """The message of an OSError as a sentence, without errno and path."""
    text = failure.strerror or "The file can't be read or written."
    return text if text.endswith(".") else f"{text}."
