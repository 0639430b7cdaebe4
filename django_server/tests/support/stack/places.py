"""Maps addresses, ports and paths of the containers to this machine, and substitutes them in files. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The ports of the containers, and the service names in their files.
PORTS = ("8080", "8443", "8000", "8001", "5432", "6432", "6379", "8333", "9100")
NAMES = ("db", "pgbouncer", "redis")
_FOLDERS = (
    "data|secrets|srv/page|page|spool|run/site|run/metrics|etc/nginx/(?:site|tls|templates)|etc/pgbouncer|tmp"
)
_PATH = re.compile(rf"(?<![\w./-])/({_FOLDERS})(?=[/\s;\"']|$)")
_PORT = re.compile(rf"(?<![\w.])({'|'.join(PORTS)})(?![\w.])")
_NAME = re.compile(rf"(?<=[@=/])({'|'.join(NAMES)})(?=[:\s]|$)")
_LISTEN = re.compile(r"\blisten (?=\d)")
# Bind address of a container, and its loopback address.
_OWN_ADDRESS = re.compile(r"\b(?:0\.0\.0\.0|127\.0\.0\.1)\b")
_RENDERED = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Places:
    """`ports`: container's → free one here. `addresses`: name → loopback address. `folder`: the root of containers."""

    folder: Path
    ports: Mapping[str, str]
    addresses: Mapping[str, str]

    def path(self, inside: str) -> Path:
        """The path on this machine of a container's path."""
        return self.folder / inside.lstrip("/")

    def text(self, text: str) -> str:
        """Substitutes in a configuration file or the value of a variable."""
        text = _LISTEN.sub("listen 127.0.0.1:", text)
        text = _PATH.sub(lambda match: str(self.path(match[1])), text)
        text = _NAME.sub(lambda match: self.addresses[match[1]], text)
        return _PORT.sub(lambda match: self.ports[match[1]], text)

    def bound(self, text: str, address: str) -> str:
        """Substitutes in a configuration file of the container with `address`."""
        return _OWN_ADDRESS.sub(address, self.text(text))

    def command(self, words: tuple[str, ...], address: str) -> list[str]:
        """Substitutes in a command line of the container with `address`."""
        return [self.bound(word, address) for word in words]


def rendered(template: str, environment: Mapping[str, str]) -> str:
    """A template as rendered by the image's entrypoint: set variables are substituted, `$uri` is not."""
    return _RENDERED.sub(lambda match: environment.get(match[1], match[0]), template)
