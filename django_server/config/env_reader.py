"""How settings are read from the environment, or from files that it names. Used by `settings` alone."""

import environ
from django.core.exceptions import ImproperlyConfigured

# Each variable may also come from a file: NAME_FILE names it, and then counts rather than NAME.
env = environ.FileAwareEnv()


def address(name: str) -> tuple[str, int] | None:
    """Where to listen, `host:port`; None where nothing is said. Raises ImproperlyConfigured."""
    host, _, port = env(name, default="").rpartition(":")
    if not host and not port:
        return None
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ImproperlyConfigured(f"{name} must be an address and a port, as in 127.0.0.1:9100.")
    return host.strip("[]"), int(port)


def whole_number(name: str, default: int) -> int:
    """The variable as a whole number. Raises ImproperlyConfigured with a sentence that names it."""
    try:
        return int(env(name, default=str(default)))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from None


def thumbnail_sizes(name: str, default: str) -> dict[str, int]:
    """label -> scale in pixels from `label:pixels,label:pixels`, in that order. `images.checks` bounds the values.

    Raises ImproperlyConfigured for another syntax and for a label that appears twice.
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
    """A secret to the letter; empty where there is none. To `env`, a value that begins with $ is another one's name.

    The line's end that an editor leaves in a file is no part of it.
    """
    return str(env.ENVIRON.get(name, "")).rstrip("\r\n")
