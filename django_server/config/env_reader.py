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


def secret(name: str) -> str:
    """A secret to the letter; empty where there is none. To `env`, a value that begins with $ is another one's name.

    The line's end that an editor leaves in a file is no part of it.
    """
    return str(env.ENVIRON.get(name, "")).rstrip("\r\n")
