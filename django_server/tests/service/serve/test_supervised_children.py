"""`serve` keeps its child processes running and leaves none behind: a real Redis, stand-ins for the others."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

from serve.private_redis import redis_command, redis_executable, socket_path
from serve.redis_folder import redis_responds
from tests.support.processes.process_tree import all_end, eventually, is_alive
from tests.support.servers import free_port
from tests.support.sites.started_site import READY, StartedSite, started

GOOD = ("worker=good", "sweeper=good", "web=good")


def _site(data_dir: Path, *behaviours: str, port: int | None = None) -> AbstractContextManager[StartedSite]:
    command = [
        sys.executable,
        "-m",
        "tests.support.sites.standin_site",
        str(data_dir),
        str(port or free_port()),
    ]
    return started([*command, *(behaviours or GOOD)])


def _events(data_dir: Path) -> list[str]:
    return (data_dir / "events").read_text().splitlines()


def _starts(data_dir: Path, name: str) -> list[int]:
    return [int(line.split()[2]) for line in _events(data_dir) if line.startswith(f"start {name} ")]


def test_one_line_with_the_address_is_printed_when_every_process_is_ready(tmp_path: Path) -> None:
    port = free_port()
    with _site(tmp_path, port=port) as site:
        assert site.says(READY)
        assert site.output == f"{READY}http://127.0.0.1:{port}  (Ctrl+C stops it)\n"
        assert redis_responds(socket_path(tmp_path))
        assert sorted(line.split()[1] for line in _events(tmp_path)) == ["sweeper", "web", "worker"]


def test_ctrl_c_ends_the_children_in_order_and_leaves_no_process_and_no_socket(tmp_path: Path) -> None:
    with _site(tmp_path) as site:
        assert site.says(READY)
        children = site.children
        assert len(children) == 4
        assert site.end(signal.SIGINT) == 0
        assert _events(tmp_path)[-3:] == ["end web", "end sweeper", "end worker"]
        assert all_end(children, 0)
        assert not socket_path(tmp_path).exists()


def test_a_child_that_is_killed_is_started_again_and_one_line_is_printed(tmp_path: Path) -> None:
    with _site(tmp_path) as site:
        assert site.says(READY)
        (first,) = _starts(tmp_path, "web")
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: len(_starts(tmp_path, "web")) == 2)
        assert is_alive(_starts(tmp_path, "web")[1])
        lines = site.output.splitlines()[1:]
        assert len(lines) == 1
        assert lines[0].startswith("web was killed by SIGKILL; starting it again in 0.5 s.")
        assert site.end() == 0


def test_redis_is_started_again_on_the_same_socket(tmp_path: Path) -> None:
    with _site(tmp_path) as site:
        assert site.says(READY)
        os.kill(site.child("unixsocket"), signal.SIGKILL)
        assert site.says("redis was killed by SIGKILL")
        assert eventually(lambda: redis_responds(socket_path(tmp_path)))


def test_processes_of_an_exited_child_are_killed_before_it_is_restarted(tmp_path: Path) -> None:
    with _site(tmp_path, "worker=with-helper") as site:
        assert site.says(READY)
        assert eventually(lambda: len(_starts(tmp_path, "worker-helper")) == 1)
        helper = _starts(tmp_path, "worker-helper")[0]
        os.kill(_starts(tmp_path, "worker")[0], signal.SIGKILL)
        assert all_end({helper})
        assert eventually(lambda: len(_starts(tmp_path, "worker-helper")) == 2)
        second = _starts(tmp_path, "worker-helper")[1]
        assert site.end() == 0
        assert all_end({second}, 0)


def test_a_child_that_keeps_exiting_ends_the_site_and_the_end_of_its_log_is_shown(tmp_path: Path) -> None:
    with _site(tmp_path, "worker=good", "web=broken") as site:
        assert site.exit_code(60) == 1
        assert "web ended with exit code 1 (exit 5 within 60 s): giving up." in site.output
        assert "  The reason why it is broken." in site.output
        assert READY not in site.output
        assert all_end(set(_starts(tmp_path, "worker")), 0)
        assert not redis_responds(socket_path(tmp_path))


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    with _site(tmp_path, "worker=stubborn") as site:
        assert site.says(READY)
        children = site.children
        began = time.monotonic()
        assert site.end() == 0
        assert 3.0 <= time.monotonic() - began < 10.0
        assert all_end(children, 0)


def test_a_second_ctrl_c_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    with _site(tmp_path, "worker=stubborn") as site:
        assert site.says(READY)
        children = site.children
        began = time.monotonic()
        site.process.send_signal(signal.SIGINT)
        time.sleep(0.6)
        assert site.end() == 0
        assert time.monotonic() - began < 2.5
        assert all_end(children, 0)


def test_the_same_ctrl_c_twice_at_once_lets_a_child_finish(tmp_path: Path) -> None:
    with _site(tmp_path, "worker=slow") as site:
        assert site.says(READY)
        site.process.send_signal(signal.SIGTERM)
        assert site.end(signal.SIGTERM) == 0
        assert _events(tmp_path)[-1] == "end worker"


def test_children_of_a_killed_site_end_and_the_next_start_works(tmp_path: Path) -> None:
    with _site(tmp_path) as site:
        assert site.says(READY)
        children = site.children
        assert len(children) == 4
        site.end(signal.SIGKILL)
        assert all_end(children)
    assert socket_path(tmp_path).exists()
    with _site(tmp_path) as site:
        assert site.says(READY)
        assert redis_responds(socket_path(tmp_path))
        assert site.end() == 0


def test_a_second_start_on_the_same_data_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with _site(tmp_path) as site:
        assert site.says(READY)
        with _site(tmp_path) as second:
            assert second.exit_code() == 1
            assert second.output == (
                f"{tmp_path} is already being served (by process {site.process.pid}): "
                "stop that process, or set DATA_DIR.\n"
            )
        assert redis_responds(socket_path(tmp_path))


def test_a_taken_port_is_refused_in_a_sentence_that_names_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        port = free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with _site(tmp_path, port=port) as site:
            assert site.exit_code() == 1
            assert site.output == (
                f"PORT {port} is taken by another program: choose a free one, as in `PORT={port + 1}`.\n"
            )


def test_a_redis_that_survived_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    path = socket_path(tmp_path)
    path.parent.mkdir()
    survivor = subprocess.Popen(redis_command(redis_executable(), path), stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: redis_responds(path))
        survivor.send_signal(signal.SIGSTOP)
        with _site(tmp_path) as site:
            assert site.says(READY)
            # The survivor is frozen, so another process sends the response.
            assert redis_responds(path)
    finally:
        survivor.kill()
        survivor.wait()


def test_a_data_folder_with_a_long_name_gets_a_short_socket_and_leaves_no_folder_of_it(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / ("long" * 30)
    data_dir.mkdir()
    folder = socket_path(data_dir).parent
    assert data_dir not in folder.parents
    with _site(data_dir) as site:
        assert site.says(READY)
        assert redis_responds(socket_path(data_dir))
        assert folder.stat().st_mode & 0o777 == 0o700
        assert site.end() == 0
    assert not folder.exists()


def test_each_start_begins_new_logs_and_keeps_those_before(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for _ in range(2):
        with _site(tmp_path, "web=good") as site:
            assert site.says(READY)
            (logs / "web.log").write_text("the log of this run")
            assert site.end() == 0
    assert (logs / "web.log.1").read_text() == "the log of this run"
    assert sorted(path.name for path in logs.glob("web*")) == ["web.log", "web.log.1"]
