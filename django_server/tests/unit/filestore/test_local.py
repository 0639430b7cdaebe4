"""The local store: atomic writes, listings in byte order."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filestore.local import LocalStore


def test_a_file_is_complete_or_absent(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with store.writing("a/b/x.jpg") as file:
        file.write(b"first")
        file.flush()
        assert not store.exists("a/b/x.jpg")
    with store.open("a/b/x.jpg") as file:
        assert file.read() == b"first"


def test_a_writer_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with store.writing("a/x.jpg") as file:
        file.write(b"old")

    def fail_half_way() -> None:
        with store.writing("a/x.jpg") as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert (tmp_path / "a/x.jpg").read_bytes() == b"old"
    assert os.listdir(tmp_path / "a") == ["x.jpg"]


def test_a_writer_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal, sys; from filestore.local import LocalStore\n"
        "with LocalStore(pathlib.Path(sys.argv[1])).writing('a/x.jpg') as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert os.listdir(tmp_path / "a") == []


def test_a_temporary_name_is_used_on_a_file_system_without_unnamed_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "O_TMPFILE")
    store = LocalStore(tmp_path)
    with store.writing("a/x.jpg") as file:
        file.write(b"whole")
    assert (tmp_path / "a/x.jpg").read_bytes() == b"whole"
    assert os.listdir(tmp_path / "a") == ["x.jpg"]


def test_a_reader_keeps_the_old_file_when_it_is_replaced(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with store.writing("x.jpg") as file:
        file.write(b"old")
    with store.open("x.jpg") as reader:
        with store.writing("x.jpg") as file:
            file.write(b"new")
        assert reader.read() == b"old"


def test_linking_twice_is_the_same_as_once(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "media")
    spooled = tmp_path / "spooled"
    spooled.write_bytes(b"bytes")
    store.link(spooled, "o/x.jpg")
    store.link(spooled, "o/x.jpg")
    spooled.unlink()
    assert store.path("o/x.jpg").read_bytes() == b"bytes"


def test_delete_returns_whether_the_file_existed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with store.writing("x.jpg"):
        pass
    assert store.delete("x.jpg")
    assert not store.delete("x.jpg")


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a\0b"])
def test_no_key_leaves_the_root(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="is not a key"):
        LocalStore(tmp_path).path(key)


names = st.text("ab.-_0", min_size=1, max_size=3).filter(lambda name: name.strip("."))


@given(
    st.sets(st.lists(names, min_size=1, max_size=3).map(lambda parts: "/".join(parts) + ".x"), max_size=12)
)
def test_a_listing_is_in_byte_order_of_key(tmp_path_factory: pytest.TempPathFactory, keys: set[str]) -> None:
    store = LocalStore(tmp_path_factory.mktemp("store"))
    stored = set()
    for key in sorted(keys):
        try:
            with store.writing(key):
                pass
        except (NotADirectoryError, IsADirectoryError):
            continue
        stored.add(key)
    assert [file.key for file in store.list()] == sorted(stored, key=os.fsencode)
    assert all(files for _, files in store.list_by_folder())


def test_a_missing_folder_is_listed_as_empty(tmp_path: Path) -> None:
    assert list(LocalStore(tmp_path).list("nothing")) == []


def test_folders_are_listed_in_byte_order_without_links(tmp_path: Path) -> None:
    for name in ("b", "a", "é", "Z"):
        (tmp_path / "root" / name).mkdir(parents=True)
    (tmp_path / "root" / "file.jpg").touch()
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    assert list(LocalStore(tmp_path).folders("root")) == ["Z", "a", "b", "é"]
    assert list(LocalStore(tmp_path).folders("nowhere")) == []


def test_stat_equals_the_entry_of_a_listing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with store.writing("a/x.jpg") as file:
        file.write(b"12345")
    assert [store.stat("a/x.jpg")] == list(store.list())
    for missing in ("a", "a/y.jpg"):
        with pytest.raises(FileNotFoundError):
            store.stat(missing)
    with pytest.raises(NotADirectoryError):
        store.stat("a/x.jpg/z")


def test_a_rewritten_file_has_another_version(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    versions = set()
    for second in (1, 2):
        with store.writing("x.jpg") as file:
            file.write(b"same size")
        os.utime(tmp_path / "x.jpg", (second, second))
        versions.add(store.stat("x.jpg").version)
    assert versions == {"9@1000000", "9@2000000"}


def test_unlistable_entries_are_reported_and_the_others_listed(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.jpg")).touch()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/c\xff")).mkdir()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "z.jpg").touch()
    reported: dict[str, str] = {}
    listed = [
        file[0] for run in LocalStore(tmp_path).list_by_folder("", reported.__setitem__) for file in run.files
    ]
    assert listed == ["a.jpg", "z.jpg"]
    assert sorted(reported) == ["b\udcff.jpg", "c\udcff", "loop.jpg"]


def test_folders_nested_deeper_than_the_recursion_limit_are_listed(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(1_200):
        deep /= "d"
        deep.mkdir()
    (deep / "x.jpg").touch()
    try:
        assert sum(1 for _ in LocalStore(tmp_path).list()) == 1
    finally:
        # pytest and shutil recurse, and can't delete it.
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_fetch_returns_the_metadata_of_the_content(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with store.writing("x.jpg") as file:
        file.write(b"bytes")
    stored, file = store.fetch("x.jpg")
    with file:
        assert (stored, file.read()) == (store.stat("x.jpg"), b"bytes")
