"""What a Docker engine changes in the machine's network and leaves behind: firewall rules, forwarding, bridges."""

import subprocess
from pathlib import Path

_TABLES = ("filter", "nat", "mangle", "raw")
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class Firewall:
    """`save` before the engine starts, `restore` after it has stopped."""

    def __init__(self) -> None:
        self._rules: list[str] = []
        self._forwarding = ""

    def save(self) -> None:
        # Listing a table creates it with its default policies, so that `restore` sets these again.
        for table in _TABLES:
            _run("iptables", "-t", table, "-n", "-L")
        self._rules = [_run("iptables-save", "-t", table) for table in _TABLES]
        self._forwarding = _FORWARDING.read_text()

    def restore(self) -> None:
        for rules in self._rules:
            _run("iptables-restore", given=rules)
        _FORWARDING.write_text(self._forwarding)
        for bridge in _bridges():
            _run("ip", "link", "delete", bridge)


def _bridges() -> list[str]:
    """Docker's bridges: docker0, and br- with twelve digits of the network's id."""
    names = [path.parent.name for path in Path("/sys/class/net").glob("*/bridge")]
    return [name for name in names if name == "docker0" or (name.startswith("br-") and len(name) == 15)]


def _run(*command: str, given: str | None = None) -> str:
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout
