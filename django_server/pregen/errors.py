"""What ends a command, each with a sentence for a person and an exit code. Raised everywhere, caught in `cli`."""


class PregenError(Exception):
    """The command can't go on. `str()` is the sentence."""

    exit_code = 1


class BadConfiguration(PregenError):
    """The options and the environment do not say, or wrongly say, where the images are."""


class UnreadableManifest(PregenError):
    """The manifest is missing, cut off, or not a manifest."""


class StaleManifest(PregenError):
    """The manifest is too old to be acted upon."""


class UnknownCollection(PregenError):
    """There is no collection of a name that was asked for."""


class StoreFailure(PregenError):
    """The archive can't be reached, read or written as a whole."""


class Interrupted(BaseException):
    """Ctrl+C or SIGTERM. Like KeyboardInterrupt no Exception, so that nothing takes it for a failure of its own."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_code = 128 + signal_number


def sentence_of(failure: OSError) -> str:
    """The failure of a file or store as a person is told it, without errno and paths."""
    text = failure.strerror or "The file can't be read or written."
    return text if text.endswith(".") else f"{text}."
