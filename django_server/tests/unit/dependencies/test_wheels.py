"""All pinned packages have a wheel for each supported system, processor and Python, so that nothing is compiled.

The lock files have the hashes of the wheels, `wheels.sha256` their names. `make lock` writes both.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

SERVER = Path(__file__).resolve().parents[3]
LOCKS = sorted(SERVER.glob("requirements*.txt"))

# pyvips is pure Python. requirements-build.txt has the packages that pack it.
WITHOUT_WHEEL = {"pyvips"}
# The first release with Debian 12, the oldest supported system; Python 3.11 needs one package more before 3.11.3.
PYTHONS = {11: "3.11.2", 12: "3.12.0", 13: "3.13.0", 14: "3.14.0"}
# Debian 12 has glibc 2.36.
GLIBCS = range(5, 37)


@dataclass(frozen=True)
class Platform:
    """What environment markers and wheel tags say about a system and a processor."""

    markers: dict[str, str]
    tags: tuple[str, ...]


def _linux(machine: str) -> Platform:
    markers = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": machine}
    older = (f"manylinux{name}_{machine}" for name in ("1", "2010", "2014"))
    return Platform(markers, (*(f"manylinux_2_{minor}_{machine}" for minor in GLIBCS), *older))


def _macos() -> Platform:
    # autobahn has no wheel for macOS 14.
    markers = {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"}
    return Platform(markers, tuple(mac_platforms((15, 0), "arm64")))


PLATFORMS = {"Linux x86-64": _linux("x86_64"), "Linux arm64": _linux("aarch64"), "macOS 15 arm64": _macos()}


@cache
def _pins() -> list[tuple[Requirement, frozenset[str]]]:
    """The pinned packages of all lock files, each with the hashes of its files."""
    pins = []
    for lock in LOCKS:
        text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
        for line in text.splitlines():
            requirement, *hashes = line.split("--hash=sha256:")
            pins.append((Requirement(requirement), frozenset(text.strip() for text in hashes)))
    return pins


@cache
def _wheels() -> dict[str, frozenset[Tag]]:
    """The tags of each wheel, by its hash."""
    lines = (line.split() for line in (SERVER / "wheels.sha256").read_text().splitlines())
    return {digest: parse_wheel_filename(name)[3] for digest, name in lines}


def _usable(platform: Platform, minor: int) -> Iterator[Tag]:
    """The tags of wheels that pip installs there."""
    version = (3, minor)
    interpreter = f"cp3{minor}"
    return chain(
        cpython_tags(version, [interpreter], platform.tags),
        compatible_tags(version, interpreter, platform.tags),
    )


@pytest.mark.parametrize("minor", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
def test_every_pinned_package_has_a_wheel(platform: Platform, minor: int) -> None:
    usable = frozenset(_usable(platform, minor))
    markers = {
        **platform.markers,
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "python_version": f"3.{minor}",
        "python_full_version": PYTHONS[minor],
    }
    missing = {
        requirement.name
        for requirement, hashes in _pins()
        if requirement.marker is None or requirement.marker.evaluate(markers)
        if not any(usable & _wheels().get(digest, frozenset()) for digest in hashes)
    }
    assert missing == WITHOUT_WHEEL


def test_the_wheels_are_those_of_the_lock_files() -> None:
    assert _wheels().keys() <= set(chain.from_iterable(hashes for _, hashes in _pins()))
