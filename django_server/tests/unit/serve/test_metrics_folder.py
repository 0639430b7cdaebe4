"""The folder of the metric files: in memory, deleted at the end, and emptied after a run that was killed."""

from pathlib import Path

import pytest

from serve import metrics_folder
from serve.metrics_folder import delete_metrics_folder, prepare_metrics_folder


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr(metrics_folder, "_MEMORY", folder)
    return folder


def test_the_folder_is_in_memory_for_this_user_only_and_is_deleted(tmp_path: Path, memory: Path) -> None:
    home = tmp_path / "metrics"
    prepare_metrics_folder(home)
    (made,) = memory.iterdir()
    assert made.stat().st_mode & 0o777 == 0o700
    (home / "counter_1.db").write_bytes(b"1")
    assert (made / "counter_1.db").exists()
    delete_metrics_folder(home)
    assert not home.is_symlink()
    assert list(memory.iterdir()) == []


def test_the_files_of_a_killed_run_are_deleted(tmp_path: Path, memory: Path) -> None:
    home = tmp_path / "metrics"
    prepare_metrics_folder(home)
    (home / "counter_1.db").write_bytes(b"1")
    prepare_metrics_folder(home)
    assert list(home.iterdir()) == []
    assert len(list(memory.iterdir())) == 1


def test_the_folder_is_on_disk_where_no_file_system_is_in_memory(tmp_path: Path, memory: Path) -> None:
    memory.rmdir()
    home = tmp_path / "metrics"
    prepare_metrics_folder(home)
    (home / "counter_1.db").write_bytes(b"1")
    prepare_metrics_folder(home)
    assert list(home.iterdir()) == []
    delete_metrics_folder(home)
    assert not home.exists()


def test_a_link_to_another_folder_is_deleted_and_its_target_stays(tmp_path: Path, memory: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    home = tmp_path / "metrics"
    home.symlink_to(elsewhere)
    prepare_metrics_folder(home)
    assert (elsewhere / "kept").exists()
    assert home.readlink().parent == memory
