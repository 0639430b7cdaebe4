"""Where on this machine the containers' addresses, ports and folders are: all that is replaced in their files. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The ports of the containers, and the names that their files call each other by.
PORTS = ("8080", "8443", "8000", "8001", "5432", "6432", "6379", "8333", "9100")
NAMES = ("db", "pgbouncer", "redis")
_FOLDERS = (
    "data|secrets|srv/page|page|spool|run/site|run/metrics|etc/nginx/(?:site|tls|templates)|etc/pgbouncer|tmp"
)
_PATH = re.compile(rf"(?<![\w./-])/({_FOLDERS})(?=[/\s;\"']|$)")
_PORT = re.compile(rf"(?<![\w.])({'|'.join(PORTS)})(?![\w.])")
_NAME = re.compile(rf"(?<=[@=/])({'|'.join(NAMES)})(?=[:\s]|$)")
_LISTEN = re.compile(r"\blisten (?=\d)")
# What a container binds to, and what it asks itself by.
_OWN_ADDRESS = re.compile(r"\b(?:0\.0\.0\.0|127\.0\.0\.1)\b")
_RENDERED = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Places:
    """`ports`: container's → free one here. `addresses`: name → loopback address. `folder`: the root of containers."""

    folder: Path
    ports: Mapping[str, str]
    addresses: Mapping[str, str]

    def path(self, inside: str) -> Path:
        """Where the container's path is here."""
        return self.folder / inside.lstrip("/")

    def text(self, text: str) -> str:
        """A configuration file, or an environment's value."""
        text = _LISTEN.sub("listen 127.0.0.1:", text)
        text = _PATH.sub(lambda match: str(self.path(match[1])), text)
        text = _NAME.sub(lambda match: self.addresses[match[1]], text)
        return _PORT.sub(lambda match: self.ports[match[1]], text)

    def bound(self, text: str, address: str) -> str:
        """A configuration file of the container that has `address` here."""
        return _OWN_ADDRESS.sub(address, self.text(text))

    def command(self, words: tuple[str, ...], address: str) -> list[str]:
        """A command line of the container that has `address` here."""
        return [self.bound(word, address) for word in words]


def rendered(template: str, environment: Mapping[str, str]) -> str:
    """What the image's entrypoint makes of a template: the variables that are set are filled in, `$uri` is not."""
    return _RENDERED.sub(lambda match: environment.get(match[1], match[0]), template)
