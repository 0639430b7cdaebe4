"""What `manage.py serve` prints besides its address: unreachable services, warnings, and what Ctrl+C waits for."""

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.reachable_services import unreachable_services
from tests.service.serve.test_serve_command import serve
from tests.support.images.pictures import jpeg
from tests.support.servers import free_port, redis_server
from tests.support.sites.started_site import READY

STOP_LINE = "Stopping. Ctrl+C again stops at once.\n"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never responds, as a frozen server does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("frozen", [False, True])
def test_a_redis_that_does_not_respond_is_named(frozen: bool, tmp_path: Path, silent_port: int) -> None:
    port = silent_port if frozen else free_port()
    with serve(tmp_path, free_port(), REDIS_URL=f"redis://me:secret@127.0.0.1:{port}/0") as site:
        assert site.exit_code() == 1
    assert site.output.startswith(f"broker unavailable: no Redis responds at redis://127.0.0.1:{port}/0 (")
    assert site.output.endswith("). Start it, or change REDIS_URL.\n")
    assert site.output.count("\n") == 1


def test_a_frozen_redis_is_found_within_five_seconds(silent_port: int, settings: Any) -> None:
    settings.EMBEDDED_REDIS, settings.EMBEDDED_DATABASE = False, True
    settings.REDIS_URL = f"redis://127.0.0.1:{silent_port}/0"
    began = time.monotonic()
    assert len(unreachable_services()) == 1
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("frozen", [False, True])
def test_a_database_that_does_not_respond_is_named(frozen: bool, tmp_path: Path, silent_port: int) -> None:
    port = silent_port if frozen else free_port()
    url = f"postgres://me:secret@127.0.0.1:{port}/photos"
    with serve(tmp_path, free_port(), DATABASE_URL=url, SECRET_KEY="for tests") as site:
        assert site.exit_code() == 1
    assert site.output.startswith("database unavailable: Database error: ")
    assert site.output.endswith(". Start the database, or change DATABASE_URL.\n")
    assert "secret" not in site.output
    assert site.output.count("\n") == 1


def test_a_service_that_fails_during_the_start_is_named_as_readyz_names_it(tmp_path: Path) -> None:
    with redis_server() as redis, serve(tmp_path, free_port(), REDIS_URL=redis.url) as site:
        # The check at the start has passed when the first process has its log.
        deadline = time.monotonic() + 60
        while not (tmp_path / "logs" / "migrate.log").exists():
            assert time.monotonic() < deadline, site.output
            time.sleep(0.02)
        redis.stop()
        assert site.says("Waiting for web, which reports as unavailable: broker, channel_layer.\n", 60)
        redis.start()
        assert site.says(READY), site.output


def test_a_misspelt_setting_and_a_changed_media_root_are_warnings_and_ctrl_c_is_acknowledged(
    tmp_path: Path,
) -> None:
    port = free_port()
    with serve(tmp_path, port, MAX_FILE_BYTE="1") as site:
        assert site.says(READY), site.output
        assert site.output.startswith(
            "Warning: MAX_FILE_BYTE is not a setting and has no effect. Did you mean MAX_FILE_BYTES?\n"
        )
        sent = httpx.post(f"http://127.0.0.1:{port}/api/upload", files={"image": jpeg()}, timeout=60)
        assert sent.status_code == 200
        site.process.send_signal(signal.SIGINT)
        assert site.says(STOP_LINE, 5)
        assert site.exit_code() == 0
    elsewhere = tmp_path / "archive"
    with serve(tmp_path, port, MEDIA_ROOT=str(elsewhere)) as site:
        warning = (
            f"Warning: 1 of 1 checked images have no file in MEDIA_ROOT {elsewhere}. "
            f"The files were in MEDIA_ROOT {tmp_path}/media at the last start: set it back, or move the files. "
        )
        assert site.says(warning), site.output
        assert site.output.index(READY) < site.output.index(warning)
        assert site.end() == 0


def test_with_a_port_out_of_range_nothing_starts(tmp_path: Path) -> None:
    with serve(tmp_path / "data", 80000) as site:
        assert site.exit_code() == 1
    assert site.output == "PORT must be a whole number from 1 to 65535, not '80000'.\n"
    assert not (tmp_path / "data").exists()
