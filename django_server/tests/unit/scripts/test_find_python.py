"""scripts/find-python.sh finds a supported Python, or names the one command that installs it on this system.

The Pythons and package managers are substitutes: a system has one release of each.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "docker-compose.yml").exists())
MISSING = "Python 3.11 to 3.14 with its module venv is missing; "
SUDO = "sudo " if os.getuid() else ""


class System:
    """A PATH with the programs of a system and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.add("id", f'exec {shutil.which("id")} "$@"')

    def add(self, name: str, script: str = "exit 0") -> None:
        program = self._folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def add_python(self, name: str, version: tuple[int, int], *, venv: bool = True) -> None:
        """A Python that reports another version, with or without the module ensurepip."""
        without_venv = "" if venv else "sys.modules['ensurepip'] = None; "
        lines = f"import sys; sys.version_info = {version}; {without_venv}"
        self.add(name, f'exec {sys.executable} -c "{lines}exec(sys.argv[1])" "$2"')

    def add_apt(self, *packages: str) -> None:
        """apt-get, and an apt-cache that knows these packages."""
        self.add("apt-get")
        self.add("apt-cache", f'case " {" ".join(packages)} " in *" $2 "*) exit 0 ;; *) exit 100 ;; esac')

    def find(self) -> str:
        """What the script prints: a Python, or else the sentence."""
        run = subprocess.run(
            ["/bin/sh", ROOT / "scripts" / "find-python.sh"],
            env={"PATH": str(self._folder)},
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (run.returncode, bool(run.stdout)) in ((0, True), (1, False)), run.stderr
        return (run.stdout or run.stderr).removesuffix("\n")


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_python3_is_used_where_it_is_supported(system: System, minor: int) -> None:
    system.add_python("python3", (3, minor))
    assert system.find() == "python3"


@pytest.mark.parametrize("minor", [10, 15])
def test_a_supported_python_beside_an_unsupported_one_is_used(system: System, minor: int) -> None:
    system.add_python("python3", (3, minor))
    system.add_python("python3.12", (3, 12))
    assert system.find() == "python3.12"


def test_without_any_python_the_sentence_names_the_newest_package(system: System) -> None:
    system.add_apt("python3-venv", "python3.11-venv", "python3.13-venv")
    expected = f"this installs it: {SUDO}apt-get install --no-install-recommends python3.13-venv"
    assert system.find() == MISSING + expected


def test_a_python_without_the_module_venv_is_not_used(system: System) -> None:
    system.add_python("python3", (3, 11), venv=False)
    system.add_apt("python3-venv", "python3.11-venv")
    expected = f"this installs it: {SUDO}apt-get install --no-install-recommends python3.11-venv"
    assert system.find() == MISSING + expected


def test_where_apt_has_no_lists_the_sentence_also_fetches_them(system: System) -> None:
    system.add_apt()
    expected = f"this installs it: {SUDO}apt-get update && {SUDO}apt-get install --no-install-recommends python3-venv"
    assert system.find() == MISSING + expected


def test_a_release_that_is_too_old_is_sent_nowhere(system: System) -> None:
    system.add_python("python3", (3, 9))
    system.add_apt("python3-venv", "python3.9-venv")
    assert system.find() == MISSING + "this release of the system has no package of it."


def test_on_macos_homebrew_installs_it(system: System) -> None:
    system.add("brew")
    assert system.find() == MISSING + "this installs it: brew install python@3.14"


def test_another_system_gets_no_wrong_command(system: System) -> None:
    assert system.find() == MISSING + "install it with the package manager of this system."
