"""Reads settings from environment variables, or from files that they name. Used by `settings` only."""

import environ
from django.core.exceptions import ImproperlyConfigured

# The variable NAME_FILE may name a file that contains the value of NAME. The file takes precedence over NAME.
env = environ.FileAwareEnv()


def address(name: str) -> tuple[str, int] | None:
    """The host and port in the variable `name` (`host:port`); None if it is not set. Raises ImproperlyConfigured."""
    host, _, port = env(name, default="").rpartition(":")
    if not host and not port:
        return None
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ImproperlyConfigured(f"{name} must be an address and a port, as in 127.0.0.1:9100.")
    return host.strip("[]"), int(port)


def whole_number(name: str, default: int) -> int:
    """The variable `name` as a whole number. Raises ImproperlyConfigured with a message that names the variable."""
    try:
        return int(env(name, default=str(default)))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from None


def thumbnail_sizes(name: str, default: str) -> dict[str, int]:
    """The scale in pixels by label, from `label:pixels,label:pixels`, in that order. `images.checks` limits the values.

    Raises ImproperlyConfigured if the syntax is wrong or a label appears twice.
    """
    sizes: dict[str, int] = {}
    for entry in env(name, default=default).split(","):
        label, _, scale = (part.strip() for part in entry.partition(":"))
        if not label or not (scale.isascii() and scale.isdecimal()):
            raise ImproperlyConfigured(
                f"{name} must be a list of label:pixels, as in {default}. {entry.strip()!r} is not one."
            )
        if label in sizes:
            raise ImproperlyConfigured(f"{name} has the label {label!r} twice.")
        sizes[label] = int(scale)
    return sizes


def secret(name: str) -> str:
    """The secret in the variable `name`, or an empty string. Newlines at its end are removed: a file may end with one.

    Does not call `env`, which treats a value that begins with $ as a reference to another variable.
    """
    return str(env.ENVIRON.get(name, "")).rstrip("\r\n")
