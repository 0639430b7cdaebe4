"""Reads settings from environment variables, or from files that they name. Used by `settings` only."""

import environ
from django.core.exceptions import ImproperlyConfigured

# NAME_FILE may name a file with the value; it takes precedence over NAME.
env = environ.FileAwareEnv()


def address(name: str) -> tuple[str, int] | None:
    """Host and port of the variable `name` (`host:port`); None when it is not set. Raises ImproperlyConfigured."""
    host, _, port = env(name, default="").rpartition(":")
    if not host and not port:
        return None
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ImproperlyConfigured(f"{name} must be an address and a port, as in 127.0.0.1:9100.")
    return host.strip("[]"), int(port)


def secret(name: str) -> str:
    """The secret `name`, unchanged, or empty. (`env` treats a value that begins with $ as a reference.)

    The newline at the end of a file is not part of the secret.
    """
    return str(env.ENVIRON.get(name, "")).rstrip("\r\n")
