"""Reads settings from environment variables, or from files that they name. Used by `settings` only.

Every number is checked here against its range. Each wrong value raises ImproperlyConfigured with one sentence that
names the variable.
"""

import difflib
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

PORTS = (1, 65535)
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")
# Names that other programs use too, such as HOSTNAME or PORTS, must not be taken for a misspelt HOST or PORT.
_SHORTEST_GUESSED_NAME = 8
# `difflib` gives 0.96 for MAX_FILE_BYTE, 0.93 for DATADIR, and less than 0.9 for names such as S3_ACCESS_KEY_ID.
_SIMILARITY = 0.9


class _Environment(environ.FileAwareEnv):  # type: ignore[misc]  # the library has no types
    """The variable NAME_FILE may name a file that contains the value of NAME. The file takes precedence over NAME.

    `names`: all variables that were read so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        self.names.add(var)
        self._require_readable_file(var)
        return super().get_value(var, *args, **kwargs)

    def verbatim(self, name: str) -> str:
        """The value of `name`, or an empty string. `get_value` treats $ at its beginning as a reference."""
        self.names.add(name)
        self._require_readable_file(name)
        return str(self.ENVIRON.get(name, ""))

    def _require_readable_file(self, name: str) -> None:
        try:
            self.ENVIRON.get(name)
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            file = self.ENVIRON[f"{name}_FILE"]
            raise ImproperlyConfigured(f"{name}_FILE names {file}, which can't be read: {reason}.") from None


env = _Environment()


def address(name: str) -> tuple[str, int] | None:
    """The host and port in the variable `name` (`host:port`); None if it is not set. Raises ImproperlyConfigured."""
    host, _, port = env(name, default="").rpartition(":")
    if not host and not port:
        return None
    if not host or not port.isdecimal() or not PORTS[0] <= int(port) <= PORTS[1]:
        raise ImproperlyConfigured(f"{name} must be an address and a port, as in 127.0.0.1:9100.")
    return host.strip("[]"), int(port)


def whole_number(name: str, default: int, least: int = 1, most: int | None = None) -> int:
    """The variable `name` as a whole number from `least` to `most`. Raises ImproperlyConfigured."""
    text = _text(name, default)
    number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else None
    if number is None or number < least or (most is not None and number > most):
        raise ImproperlyConfigured(f"{name} must be a whole number {_range(least, most)}, not {text!r}.")
    return number


def seconds(name: str, default: int, least: int = 1, most: int = 86_400) -> int:
    """The variable `name` as a number of seconds, by default at most a day. Raises ImproperlyConfigured."""
    return whole_number(name, default, least, most)


def decimal_number(name: str, default: float, least: float, most: float) -> float:
    """The variable `name` as a number from `least` to `most`. Raises ImproperlyConfigured."""
    text = _text(name, default)
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text) or not least <= float(text) <= most:
        raise ImproperlyConfigured(f"{name} must be a number {_range(least, most)}, not {text!r}.")
    return float(text)


def byte_size(name: str, default: int, least: int = 1) -> int:
    """The variable `name` as a number of bytes, with or without a unit. Raises ImproperlyConfigured.

    nginx/byte-sizes.envsh reads the same values for nginx.
    """
    text = _text(name, default)
    match = _SIZE.fullmatch(text)
    factor = _UNITS.get(match[2].upper() or "B") if match else None
    if match is None or factor is None:
        raise ImproperlyConfigured(
            f"{name} must be a size, as in 50MB, 50MiB or 52428800 (bytes), not {text!r}. "
            "The units are KB, MB, GB (powers of 1000) and KiB, MiB, GiB (powers of 1024)."
        )
    size = int(Decimal(match[1]) * factor)
    if size < least:
        raise ImproperlyConfigured(f"{name} must be a size of {least} byte or more, not {text!r}.")
    return size


def one_of(name: str, default: str, choices: Iterable[str]) -> str:
    """The variable `name`, which must be one of `choices`. Raises ImproperlyConfigured."""
    text = _text(name, default)
    if text not in choices:
        raise ImproperlyConfigured(f"{name} must be one of: {', '.join(choices)}. It is {text!r}.")
    return text


def url(name: str, schemes: Iterable[str], example: str, default: str = "") -> str:
    """The variable `name`: empty, or one of `schemes` followed by `://`. Raises ImproperlyConfigured."""
    text = _text(name, default)
    if text and text.partition("://")[0] not in schemes:
        raise ImproperlyConfigured(f"{name} must be a URL, as in {example}, not {_without_password(text)!r}.")
    return text


def database(name: str, password: str) -> dict[str, Any]:
    """Django's settings of the database in the variable `name`, with `password` if that is not empty.

    The password is a setting of its own, so that DATABASE_URL is not secret. Raises ImproperlyConfigured.
    """
    example = "postgres://user:password@host/name"
    url(name, ("postgres", "postgresql", "psql", "pgsql", "sqlite"), example)
    try:
        found: dict[str, Any] = env.db(name)
    except ValueError:  # the port is not a number
        raise ImproperlyConfigured(f"{name} must be a URL, as in {example}: its port is wrong.") from None
    return {**found, "PASSWORD": password} if password else found


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
    """The secret in the variable `name`, or an empty string. Newlines at its end, as files have them, are removed."""
    return env.verbatim(name).rstrip("\r\n")


def misspelt_names(present: Iterable[str], known: Iterable[str]) -> list[str]:
    """A sentence for each of the variables in `present` that nearly has the name of one in `known`. Pure."""
    plain = set(known)
    long = {name for name in plain if len(name) >= _SHORTEST_GUESSED_NAME}
    guessed = [*long, *(f"{name}_FILE" for name in long)]
    sentences = []
    for name in sorted(set(present) - plain - {f"{name}_FILE" for name in plain}):
        nearest = difflib.get_close_matches(name.upper(), guessed, n=1, cutoff=_SIMILARITY)
        if nearest:
            sentences.append(f"{name} is not a setting and has no effect. Did you mean {nearest[0]}?")
    return sentences


def _text(name: str, default: object) -> str:
    return str(env(name, default=str(default))).strip()


def _range(least: float, most: float | None) -> str:
    return f"of {least} or more" if most is None else f"from {least:g} to {most:.12g}"


def _without_password(url: str) -> str:
    return re.sub(r"//[^@/]*@", "//…@", url)
