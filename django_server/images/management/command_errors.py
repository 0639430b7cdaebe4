"""Print a sentence instead of a traceback when Ctrl+C or a database error ends a command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError

from images.database_errors import database_sentence

# The exit status that shells expect after Ctrl+C: 128 + SIGINT.
INTERRUPTED = 130


@contextmanager
def command_errors(write: Callable[[str], object], interrupted: Callable[[], str]) -> Iterator[None]:
    """On KeyboardInterrupt, write `interrupted()` and exit with status 130. Database errors become CommandErrors."""
    try:
        yield
    except KeyboardInterrupt:
        write(interrupted())
        raise SystemExit(INTERRUPTED) from None
    except (DatabaseError, InterfaceError) as error:
        raise CommandError(database_sentence(error)) from error
