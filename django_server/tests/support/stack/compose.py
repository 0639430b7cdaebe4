"""The services of docker-compose.yml with their variables substituted. Pure except for reading the file."""

import re
import shlex
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[4]
COMPOSE_FILE = ROOT / "docker-compose.yml"
# Compose's default.
_GRACE_SECONDS = 10.0
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True)
class Service:
    """How Compose runs the containers of one service. `health`: the command of its health check."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    health: tuple[str, ...]
    stop_signal: signal.Signals
    grace_seconds: float


def services(variables: Mapping[str, str], file: Path = COMPOSE_FILE) -> dict[str, Service]:
    """All services of the file, with these variables as `.env`."""
    found = yaml.safe_load(file.read_text())["services"]
    return {name: _service(name, filled_in(entry, variables)) for name, entry in found.items()}


def filled_in(value: Any, variables: Mapping[str, str]) -> Any:
    """The value with every `${NAME:-default}` substituted."""
    if isinstance(value, dict):
        return {key: filled_in(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [filled_in(one, variables) for one in value]
    if isinstance(value, str):
        return _VARIABLE.sub(
            lambda match: "$" if match[0] == "$$" else variables.get(match[1]) or match[2] or "", value
        )
    return value


def _service(name: str, entry: dict[str, Any]) -> Service:
    return Service(
        name=name,
        command=_words(entry.get("command", [])),
        environment={key: str(value) for key, value in entry.get("environment", {}).items()},
        health=_health(entry.get("healthcheck", {}).get("test", [])),
        stop_signal=signal.Signals[entry.get("stop_signal", "SIGTERM")],
        grace_seconds=_seconds(entry.get("stop_grace_period")),
    )


def _words(command: str | list[Any]) -> tuple[str, ...]:
    return tuple(shlex.split(command) if isinstance(command, str) else map(str, command))


def _health(test: list[Any]) -> tuple[str, ...]:
    if not test:
        return ()
    kind, *words = map(str, test)
    return ("sh", "-c", words[0]) if kind == "CMD-SHELL" else tuple(words)


def _seconds(period: str | None) -> float:
    return _GRACE_SECONDS if period is None else float(period.removesuffix("s"))
