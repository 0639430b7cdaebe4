"""`manage.py serve` with its real child processes, a data folder of its own and a free port."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from serve.private_redis import socket_path
from serve.readiness import returns_200
from tests.support.processes.process_tree import all_end, eventually
from tests.support.servers import free_port
from tests.support.sites.started_site import READY, SERVER_ROOT, StartedSite, started

# Variables that change the embedded default.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "HOST", "ALLOWED_HOSTS", "PUBLIC_URL", "DEBUG", "SECRET_KEY")


def serve(data_dir: Path, port: int, **environment: str) -> AbstractContextManager[StartedSite]:
    inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    command = [sys.executable, str(SERVER_ROOT / "manage.py"), "serve"]
    return started(command, {**inherited, "DATA_DIR": str(data_dir), "PORT": str(port), **environment})


def _picture() -> bytes:
    data = BytesIO()
    Image.new("RGB", (64, 48), "teal").save(data, "JPEG")
    return data.getvalue()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def site(tmp_path: Path, port: int) -> Iterator[StartedSite]:
    with serve(tmp_path, port) as site:
        assert site.says(READY), site.output
        yield site


def test_only_the_line_with_the_address_is_printed_and_then_everything_is_ready(
    site: StartedSite, port: int
) -> None:
    assert site.output == f"{READY}http://127.0.0.1:{port}  (Ctrl+C stops it)\n"
    assert httpx.get(f"http://127.0.0.1:{port}/readyz").json()["status"] == "ok"


def test_ctrl_c_leaves_no_process_and_no_socket(site: StartedSite, tmp_path: Path, port: int) -> None:
    children = site.children
    assert site.end(signal.SIGINT) == 0
    assert all_end(children, 0)
    assert not socket_path(tmp_path).exists()
    assert not returns_200("127.0.0.1", port, "/healthz")


def test_kill_9_ends_every_child_and_the_next_start_works(
    site: StartedSite, tmp_path: Path, port: int
) -> None:
    # The upload makes the web process start its decoding pool.
    assert (
        httpx.post(f"http://127.0.0.1:{port}/api/upload", files={"image": _picture()}, timeout=60).status_code
        == 200
    )
    # Redis, worker and its pool, beat, sweeper, web and its pool.
    assert eventually(lambda: len(site.children) >= 7)
    children = site.children
    site.end(signal.SIGKILL)
    assert all_end(children)
    with serve(tmp_path, port) as again:
        assert again.says(READY), again.output
        assert again.end() == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("worker", ["celery", " worker "]),
        ("beat", ["celery", " beat "]),
        ("web", ["uvicorn"]),
        ("sweeper", ["sweep"]),
        ("redis", ["unixsocket"]),
    ],
)
def test_a_killed_child_is_started_again_and_the_site_answers(
    site: StartedSite, port: int, name: str, words: list[str]
) -> None:
    killed = site.child(*words)
    os.kill(killed, signal.SIGKILL)
    assert site.says(f"{name} was killed by SIGKILL; starting it again", 10)
    assert eventually(lambda: site.has_another(killed, *words))
    assert eventually(lambda: returns_200("127.0.0.1", port, "/readyz"))


def test_a_second_start_on_the_same_data_folder_is_refused_in_a_sentence(
    site: StartedSite, tmp_path: Path, port: int
) -> None:
    with serve(tmp_path, free_port()) as second:
        assert second.exit_code() == 1
        assert second.output == (
            f"{tmp_path} is already being served (by process {site.process.pid}): stop that process, or set DATA_DIR.\n"
        )
    assert returns_200("127.0.0.1", port, "/healthz")


def test_a_relative_data_folder_means_the_same_to_every_child(tmp_path: Path, port: int) -> None:
    relative = Path(os.path.relpath(tmp_path, SERVER_ROOT))
    with serve(relative, port) as site:
        assert site.says(READY), site.output
        assert site.end() == 0
    assert (tmp_path / "database.sqlite3").exists()


def test_a_site_on_every_interface_answers_at_the_address_it_prints(tmp_path: Path, port: int) -> None:
    with serve(tmp_path, port, HOST="0.0.0.0") as site:  # noqa: S104  what is tested
        assert site.says(READY), site.output
        host = site.output.removeprefix(f"{READY}http://").partition(":")[0]
        assert returns_200(host, port, "/healthz")
        assert returns_200("127.0.0.1", port, "/healthz")
