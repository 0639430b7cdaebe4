"""`make run` in a clone that can't be written or has no room: one sentence from the scripts, not from pip or npm."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes.file_permissions import obey_file_permissions
from tests.support.sites.started_site import SERVER_ROOT

SCRIPTS = SERVER_ROOT.parent / "scripts"


def run(
    *command: str, folder: Path, preexec_fn: Callable[[], None] | None = None, **variables: str
) -> tuple[int, str]:
    ended = subprocess.run(
        ["sh", *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        preexec_fn=preexec_fn,
    )
    return ended.returncode, ended.stdout


def when_changed(
    folder: Path, preexec_fn: Callable[[], None] | None = None, **variables: str
) -> tuple[int, str]:
    source = folder / "source"
    if not source.exists():
        source.write_text("one")
    arguments = ("packages/.installed", "Installing ...", "source", "--", "mkdir", "-p", "packages")
    return run(
        str(SCRIPTS / "when-changed.sh"), *arguments, folder=folder, preexec_fn=preexec_fn, **variables
    )


def test_a_command_runs_once_per_change(tmp_path: Path) -> None:
    assert when_changed(tmp_path) == (0, "Installing ...\n")
    assert when_changed(tmp_path) == (0, "")


def test_a_clone_that_can_not_be_written_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("one")
    tmp_path.chmod(0o555)
    code, output = when_changed(tmp_path, obey_file_permissions)
    assert (code, output.count("\n")) == (1, 1)
    assert output.startswith(f"{tmp_path} ")


def test_installed_packages_are_used_also_if_the_clone_can_not_be_written(tmp_path: Path) -> None:
    when_changed(tmp_path)
    tmp_path.chmod(0o555)
    (tmp_path / "packages").chmod(0o555)
    assert when_changed(tmp_path, obey_file_permissions) == (0, "")


def test_a_full_disk_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    code, output = when_changed(tmp_path, ROOM_MB="999999999")
    assert (code, output.count("\n")) == (1, 1)
    assert output.startswith(f"The disk of {tmp_path} has ")
    assert output.endswith(" MB left, and 999999999 MB are needed: free some space.\n")
    assert not (tmp_path / "packages").exists()


@pytest.mark.parametrize(("mode", "caches"), [(0o755, "\n"), (0o555, "{0}/.cache/pip\n{0}/.cache/npm")])
def test_without_a_writable_home_pip_and_npm_keep_their_caches_in_the_clone(
    mode: int, caches: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=mode)
    script = (
        f'. {SCRIPTS}/cache-folders.sh; printf "%s\\n%s" "${{PIP_CACHE_DIR:-}}" "${{npm_config_cache:-}}"'
    )
    shown = run("-euc", script, folder=tmp_path, preexec_fn=obey_file_permissions, HOME=str(home))
    assert shown == (0, caches.format(tmp_path))
