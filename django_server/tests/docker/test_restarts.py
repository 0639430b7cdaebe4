"""Containers and the engine are restarted, stopped and killed. Each time the site works again without a command."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.docker.site import ONE_SHOTS, Site
from tests.support.images.pictures import noise_jpeg
from tests.support.processes.process_tree import eventually

SERVICES = ("nginx", "web", "live", "worker", "bulk", "sweeper", "beat", "pgbouncer", "db", "redis")
_IMAGES = 24


@contextmanager
def batch_under_way(site: Site) -> Iterator[None]:
    """A batch is being processed during the block, and all of its images are completed after it."""
    batch = site.send_batch(_IMAGES, noise_jpeg(1200, 900))
    yield
    site.await_batch(batch, _IMAGES)
    site.await_ready()


def test_compose_restart_leaves_a_site_that_works(site: Site) -> None:
    before = site.ids()
    site.sh("docker compose restart")
    site.await_well()
    assert site.ids() == before
    site.upload_in_each_mode()


@pytest.mark.parametrize("service", SERVICES)
def test_a_stopped_started_and_restarted_container_works(site: Site, service: str) -> None:
    with batch_under_way(site):
        site.sh(f"docker compose stop {service}")
        (stopped,) = site.containers(service)
        site.sh(f"docker compose start {service}")
        site.sh(f"docker compose restart {service}")
    assert (stopped.status, stopped.exit_code) == ("exited", 0)


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_container_starts_again_by_itself(site: Site, service: str) -> None:
    with batch_under_way(site):
        (running,) = site.containers(service)
        os.kill(running.pid, signal.SIGKILL)
        assert eventually(lambda: site.containers(service)[0].restarts > running.restarts, 60)
    assert site.ids()[running.name] == running.id


def test_after_a_restart_of_the_engine_everything_runs_again(site: Site) -> None:
    with batch_under_way(site):
        site.engine.stop()
        site.engine.start()
    site.upload_in_each_mode()


def test_all_services_end_by_themselves_when_they_are_stopped(site: Site) -> None:
    site.sh("docker compose stop")
    stopped = site.containers()
    site.sh("docker compose start")
    site.await_well()
    assert {one.name: one.exit_code for one in stopped if one.exit_code} == {}
    assert {one.status for one in stopped} == {"exited"}
    assert {one.service for one in site.containers() if one.status == "exited"} == ONE_SHOTS
