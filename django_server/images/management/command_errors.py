"""Sentences instead of tracebacks for what ends a command early: Ctrl+C, and an unavailable database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError

# 128 + SIGINT, which shells expect.
INTERRUPTED = 130


@contextmanager
def command_errors(write: Callable[[str], object], interrupted: Callable[[], str]) -> Iterator[None]:
    """On KeyboardInterrupt write `interrupted()` and exit with 130. Database errors become CommandErrors."""
    try:
        yield
    except KeyboardInterrupt:
        write(interrupted())
        raise SystemExit(INTERRUPTED) from None
    except (DatabaseError, InterfaceError) as error:
        raise CommandError(f"Database error: {error}") from error
