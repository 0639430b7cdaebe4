"""Metrics that can't be written stop nothing: whatever is wrong with their folder, the process counts and goes on."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes.file_permissions import obey_file_permissions
from tests.support.sites.started_site import SERVER_ROOT

# Metrics of every kind, many label values, and a scrape: with 300 values the file of the counters grows.
_COUNT = """
import django; django.setup()
from images.observability import event_counters as counters
from images.observability.metrics_text import exposition
from images.observability.timings import stage
for number in range(300):
    counters.UPLOADS_REJECTED.labels("/api/upload", f"code_{number}").inc()
with stage("decode"):
    counters.IMAGES_FINISHED.labels("completed", "").inc(3)
counters.websocket_clients().inc()
counters.websocket_clients().dec()
THEN
counters.start_at_zero()
counters.SWEEPS.labels("done").inc()
exposition(with_state=False)
print("done")
"""
_WARNING = "Metrics can't be written to PROMETHEUS_MULTIPROC_DIR"


def counted(folder: Path, then: str = "", **arguments: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _COUNT.replace("THEN", then)],
        cwd=SERVER_ROOT,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        **arguments,
    )


def require_one_warning(process: subprocess.CompletedProcess[str]) -> None:
    assert (process.returncode, process.stdout) == (0, "done\n"), process.stderr
    assert process.stderr.count("WARNING") == 1, process.stderr
    assert _WARNING in process.stderr
    assert "Traceback" not in process.stderr


def test_in_a_writable_folder_nothing_is_logged_and_the_file_grows(tmp_path: Path) -> None:
    process = counted(tmp_path / "metrics")
    assert (process.returncode, process.stdout, process.stderr) == (0, "done\n", "")
    for path in (tmp_path / "metrics").iterdir():
        # All pages have room on the disk: a write to one that has none would kill the process.
        assert path.stat().st_blocks * 512 >= path.stat().st_size
    sizes = {path.name.partition("_")[0]: path.stat().st_size for path in (tmp_path / "metrics").iterdir()}
    assert sizes == {"counter": 2**17, "gauge": 2**16, "histogram": 2**16}


@pytest.mark.parametrize("kind", ["below a file", "a broken link"])
def test_a_path_that_is_no_folder_stops_nothing(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    if kind == "a broken link":
        folder.symlink_to(tmp_path / "gone")
    else:
        folder.write_text("")
        folder /= "below"
    require_one_warning(counted(folder))


def test_a_folder_without_permission_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir(mode=0o555)
    require_one_warning(counted(folder, preexec_fn=obey_file_permissions))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("most_bytes", [0, 2**16])
def test_a_file_that_can_not_be_written_or_grow_stops_nothing(most_bytes: int, tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    require_one_warning(counted(tmp_path, preexec_fn=limit))
    # What is left can be read: no file is half as long as prometheus-client expects.
    assert counted(tmp_path).returncode == 0


@contextmanager
def mounted_tmpfs(folder: Path, option: str) -> Iterator[None]:
    """A file system in memory, mounted on `folder`. Skips the test if this user may not mount one."""
    mount = ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("This user may not mount a file system.")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("kilobytes", [16, 160])
def test_a_full_file_system_kills_no_process(kilobytes: int, tmp_path: Path) -> None:
    with mounted_tmpfs(tmp_path, f"size={kilobytes}k"):
        require_one_warning(counted(tmp_path))


def test_a_read_only_file_system_stops_nothing(tmp_path: Path) -> None:
    with mounted_tmpfs(tmp_path, "ro"):
        require_one_warning(counted(tmp_path))


def test_a_folder_that_disappears_stops_neither_the_process_nor_its_fork(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    # A forked process opens files of its own.
    then = f"import os, shutil; shutil.rmtree({str(folder)!r}); pid = os.fork(); pid and os.waitpid(pid, 0)"
    process = counted(folder, then)
    assert (process.returncode, process.stdout) == (0, "done\ndone\n"), process.stderr
    assert process.stderr.count(_WARNING) == 1
    assert "Traceback" not in process.stderr
