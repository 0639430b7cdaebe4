"""The pure parts of `serve`: paths, addresses, command lines, restart decisions, repeated signals."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.addresses import EVERY_INTERFACE, lan_addresses, own_address, require_free_port, site_url
from serve.child_log import last_lines
from serve.child_process import describe_exit
from serve.private_redis import socket_path
from serve.restart_policy import GiveUp, RestartAfter, RestartPolicy, decide_restart
from serve.run import ready_line
from serve.serve_error import ServeError
from serve.site_processes import PrivateRedis, Site, child_specs_of
from serve.stop_order import stop_order
from serve.stop_signals import is_repeated_request
from tests.support.servers import free_port

EVERYWHERE = EVERY_INTERFACE[0]


def _site(**changes: object) -> Site:
    values: dict[str, object] = {
        "data_dir": Path("/data"),
        "host": "127.0.0.1",
        "port": 8000,
        "server_root": Path("/server"),
        "page_root": Path("/page"),
        "worker_processes": 3,
        "python": "python",
        "environment": {},
        "redis": PrivateRedis(Path("/data/redis/redis.sock"), "redis-server"),
        "worker_name": "serve-1",
    }
    return Site(**{**values, **changes})  # type: ignore[arg-type]


def test_the_socket_is_in_the_data_folder_where_its_path_is_short_enough() -> None:
    assert socket_path(Path("/srv/photos")) == Path("/srv/photos/redis/redis.sock")


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=120))
def test_no_socket_path_is_too_long_for_the_kernel(name: str) -> None:
    data_dir = Path("/srv") / name
    assert len(os.fsencode(socket_path(data_dir))) <= 100
    assert socket_path(data_dir) == socket_path(data_dir)


def test_two_data_folders_with_long_names_do_not_share_a_socket() -> None:
    assert socket_path(Path("/srv/" + "a" * 120)) != socket_path(Path("/srv/" + "a" * 121))


def test_a_long_temporary_folder_does_not_make_the_path_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/" + "t" * 120)
    assert len(os.fsencode(socket_path(Path("/srv/" + "a" * 120)))) <= 100


def test_each_exit_doubles_the_pause_up_to_a_limit() -> None:
    policy = RestartPolicy(exits_tolerated=9)
    pauses = [decide_restart(policy, [float(n) for n in range(count)], count - 1.0) for count in range(1, 8)]
    assert pauses == [RestartAfter(seconds) for seconds in (0.5, 1, 2, 4, 8, 8, 8)]


def test_the_fifth_exit_within_a_minute_gives_up() -> None:
    policy = RestartPolicy()
    assert decide_restart(policy, [0, 10, 20, 30], 30) == RestartAfter(4)
    assert decide_restart(policy, [0, 10, 20, 30, 59], 59) == GiveUp(5)


def test_exits_more_than_a_minute_ago_do_not_count() -> None:
    assert decide_restart(RestartPolicy(), [0, 1, 2, 3, 100], 100) == RestartAfter(0.5)


def test_one_signal_that_arrives_twice_counts_once() -> None:
    assert not is_repeated_request([])
    assert not is_repeated_request([10.0])
    assert not is_repeated_request([10.0, 10.1])
    assert is_repeated_request([10.0, 10.5])


def test_the_exit_of_a_process_is_described() -> None:
    assert describe_exit(3) == "ended with exit code 3"
    assert describe_exit(-9) == "was killed by SIGKILL"


def test_every_lan_address_is_one_this_machine_can_listen_on_and_others_can_reach() -> None:
    for address in lan_addresses():
        assert not address.startswith("127.")
        with socket.socket() as listener:
            listener.bind((address, free_port()))


def test_a_site_on_every_interface_is_shown_with_the_address_a_phone_can_open() -> None:
    assert site_url(EVERYWHERE, 8000, ["192.168.1.5", "10.0.0.2"]) == "http://192.168.1.5:8000"
    assert site_url(EVERYWHERE, 8000, []) == "http://127.0.0.1:8000"
    assert site_url("127.0.0.1", 8000, ["192.168.1.5"]) == "http://127.0.0.1:8000"
    assert site_url("::1", 8000, []) == "http://[::1]:8000"


def test_the_ready_line_names_both_addresses_of_a_site_on_every_interface() -> None:
    line = ready_line(_site(host=EVERYWHERE), ["192.168.1.5"])
    assert line == (
        "django-file-upload is ready: http://192.168.1.5:8000  (also http://127.0.0.1:8000; Ctrl+C stops it)"
    )


def test_the_ready_line_of_a_developer_names_the_page_server() -> None:
    assert "http://127.0.0.1:5173 " in ready_line(_site(develop=True), [])


def test_this_machine_reaches_a_site_on_every_interface_by_loopback() -> None:
    assert own_address(EVERYWHERE) == "127.0.0.1"
    assert own_address("192.168.1.5") == "192.168.1.5"


def test_a_host_that_is_not_this_machine_is_refused_with_its_name() -> None:
    with pytest.raises(ServeError, match=r"HOST 203\.0\.113\.9 is not an address of this machine"):
        require_free_port("203.0.113.9", free_port())


def test_processes_start_after_their_dependencies_and_stop_before_them() -> None:
    specs = child_specs_of(_site())
    assert [spec.name for spec in specs] == ["redis", "migrate", "worker", "beat", "sweeper", "web"]
    assert [spec.name for spec in specs if spec.runs_once] == ["migrate"]
    assert stop_order(specs) == ["web", "sweeper", "beat", "worker", "redis"]


def test_a_worker_takes_uploads_before_bulk() -> None:
    command = next(spec.command for spec in child_specs_of(_site()) if spec.name == "worker")
    assert command[command.index("--queues") + 1] == "uploads,bulk"


def test_beat_keeps_no_schedule_file() -> None:
    command = next(spec.command for spec in child_specs_of(_site()) if spec.name == "beat")
    assert command[command.index("--scheduler") + 1] == "celery.beat:Scheduler"
    assert not {"--pidfile", "--schedule", "--detach"} & set(command)


def test_a_redis_elsewhere_is_neither_started_nor_stopped() -> None:
    specs = child_specs_of(_site(redis=None))
    assert "redis" not in {spec.name for spec in specs}
    assert "redis" not in stop_order(specs)


def test_development_has_the_reloading_server_and_vite_in_the_terminal() -> None:
    specs = {spec.name: spec for spec in child_specs_of(_site(develop=True))}
    assert specs["web"].command == ("python", "manage.py", "dev_web", "127.0.0.1:8000")
    assert specs["page"].environment["BACKEND"] == "http://127.0.0.1:8000"
    assert specs["web"].log is None
    assert specs["page"].log is None


def test_the_last_lines_of_a_log_are_its_last_lines_that_are_not_blank(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_bytes(b"".join(b"line %d\n\n" % n for n in range(20_000)) + b"broken \xff\n")
    assert last_lines(log, 3) == ["line 19998", "line 19999", "broken �"]
