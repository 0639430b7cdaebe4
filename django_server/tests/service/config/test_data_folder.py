"""A data folder that can't be used is refused in one sentence, by the settings and by `manage.py serve`."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.processes.file_permissions import obey_file_permissions
from tests.support.sites.started_site import SERVER_ROOT

# With the embedded database, the settings write the file secret_key.
_EMBEDDED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")


def run(
    command: str,
    data_dir: Path,
    preexec_fn: Callable[[], None] | None = None,
    variables: Mapping[str, str] = os.environ,
) -> tuple[int, str]:
    """Exit code and output of a command."""
    inherited = {name: value for name, value in variables.items() if name not in _EMBEDDED}
    ended = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=SERVER_ROOT,
        env={**inherited, "DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=preexec_fn,
    )
    return ended.returncode, ended.stdout


def no_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def no_room_in(folder: Path) -> str:
    return (
        f"DATA_DIR is {folder}, and there is no room on its disk: free some space, "
        "or set DATA_DIR to a folder on another disk.\n"
    )


def me() -> str:
    return Path(f"/proc/{os.getpid()}").owner()


def sentence_for(folder: Path, preexec_fn: Callable[[], None] | None = None) -> str:
    """What `require_writable` says about a folder, in a process of its own."""
    program = (
        "import sys; from pathlib import Path; from filestore.writable_folder import *\n"
        "try: require_writable('DATA_DIR', Path(sys.argv[1]))\n"
        "except UnusableFolder as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(folder)]
    return subprocess.run(
        command, cwd=SERVER_ROOT, capture_output=True, text=True, check=True, preexec_fn=preexec_fn
    ).stdout


def test_a_folder_that_can_be_written_is_created_and_stays_empty(tmp_path: Path) -> None:
    assert sentence_for(tmp_path / "some" / "data") == ""
    assert list((tmp_path / "some" / "data").iterdir()) == []


@pytest.mark.parametrize("inside", ["data", "data/below"])
def test_a_data_dir_that_is_a_file_or_below_one_is_refused(inside: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    sentence = f"DATA_DIR is {tmp_path / inside}, but {tmp_path}/data is a file: set DATA_DIR to a folder.\n"
    assert sentence_for(tmp_path / inside) == sentence


@pytest.mark.parametrize("exists", [True, False])
def test_a_data_dir_without_permission_is_refused_with_its_owner(exists: bool, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o555)
    data_dir = folder if exists else folder / "data"
    assert sentence_for(data_dir, obey_file_permissions) == (
        f"DATA_DIR is {data_dir}, which the user {me()} may not write: {folder} belongs to {me()}. "
        "Set DATA_DIR to a folder of your own, or change its owner or permissions.\n"
    )


def test_a_data_dir_without_room_is_refused(tmp_path: Path) -> None:
    assert sentence_for(tmp_path, no_room) == no_room_in(tmp_path)


def test_a_read_only_data_dir_is_refused(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("This user may not mount a file system.")
    try:
        assert sentence_for(tmp_path / "data") == (
            f"DATA_DIR is {tmp_path}/data, on a file system that is read-only: set DATA_DIR to another folder.\n"
        )
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.parametrize("command", ["serve", "check"])
def test_no_command_starts_with_a_data_dir_that_is_a_file(command: str, tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("")
    assert run(command, file) == (
        1,
        f"DATA_DIR is {file}, but {file} is a file: set DATA_DIR to a folder.\n",
    )


def test_a_secret_that_only_its_owner_may_read_is_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret_key"
    secret.touch(mode=0o000)
    code, sentence = run("check", tmp_path, obey_file_permissions)
    assert (code, f"{secret} belongs to {me()}" in sentence, sentence.count("\n")) == (1, True, 1)


@pytest.mark.parametrize("secret_exists", [True, False])
def test_a_site_without_room_does_not_start(secret_exists: bool, tmp_path: Path) -> None:
    if secret_exists:
        (tmp_path / "secret_key").write_text("secret")
    assert run("serve", tmp_path, no_room) == (1, no_room_in(tmp_path))


def test_a_subfolder_of_another_owner_is_refused_by_serve(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir(mode=0o555)
    code, sentence = run("serve", tmp_path, obey_file_permissions)
    assert (code, sentence.count("\n")) == (1, 1)
    assert f"{tmp_path}/locks belongs to {me()}." in sentence


def test_a_folder_for_files_that_is_a_file_is_refused_with_its_setting(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.write_text("")
    sentence = f"MEDIA_ROOT is {media}, but {media} is a file: set MEDIA_ROOT to a folder.\n"
    assert run("serve", tmp_path) == (1, sentence)


def test_a_wrong_setting_is_one_line_of_serve_too(tmp_path: Path) -> None:
    wrong = {
        **os.environ,
        "MEDIA_ROOT": str(tmp_path / "media"),
        "INCOMING_ROOT": str(tmp_path / "media" / "incoming"),
    }
    assert run("serve", tmp_path, variables=wrong) == (
        1,
        "INCOMING_ROOT is below MEDIA_ROOT, where anybody may read all files.\n",
    )


@pytest.mark.parametrize(
    "command",
    ["sweep", "reconcile", "clearsessions"],
)
def test_a_command_before_the_first_start_is_one_line(command: str, tmp_path: Path) -> None:
    code, output = run(command, tmp_path)
    assert code == 1
    assert output.removeprefix("CommandError: ") == (
        "The database does not have the tables of this version: start the site once with `make run`, "
        "or run `manage.py migrate`.\n"
    )
