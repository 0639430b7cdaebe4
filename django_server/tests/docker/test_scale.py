"""More containers, new containers and rebuilt services, while clients upload."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.docker.site import ONE_SHOTS, Site
from tests.support.docker.traffic import traffic
from tests.support.stack.production_page import documented

_SCALED = {"web": 3, "worker": 4}


@pytest.fixture(scope="module")
def scaled(site: Site) -> Iterator[Site]:
    """The site with three `web` and four `worker`, scaled during uploads as the section "Scale" says."""
    (command,) = documented("Scale")
    with traffic(site.url) as seen:
        site.set(WEB_INSTANCES="3", WORKER_INSTANCES="4")
        site.sh(command)
        site.await_well()
        assert seen.goes_on()
    assert seen.failures == {}
    yield site
    site.set(WEB_INSTANCES="1", WORKER_INSTANCES="1")
    site.sh("docker compose up --detach")
    site.await_well()


def numbers(site: Site) -> dict[str, int]:
    """The number of running containers of each service that is not single."""
    counted = Counter(one.service for one in site.containers() if one.status == "running")
    return {service: number for service, number in counted.items() if number > 1}


def test_containers_are_added_without_a_failed_request(scaled: Site) -> None:
    assert numbers(scaled) == _SCALED


def test_every_documented_start_keeps_the_scale_and_all_containers(scaled: Site) -> None:
    before = scaled.ids()
    for command in (documented("Start")[0], *documented("Scale"), documented("Upgrade")[1]):
        scaled.sh(command)
        scaled.await_well()
        assert scaled.ids() == before, command
    assert numbers(scaled) == _SCALED


def test_a_new_version_of_web_replaces_each_container_without_a_failed_request(scaled: Site) -> None:
    (command,) = [line for line in documented("Rebuild one service") if "roll.sh" in line]
    before = {one.name: one for one in scaled.containers()}
    change(scaled, "django_server/config/__init__.py", "\n")
    with traffic(scaled.url) as seen:
        assert seen.goes_on()
        scaled.sh(command)
        assert seen.goes_on()
    scaled.await_well()
    assert seen.failures == {}
    after = {one.name: one for one in scaled.containers()}
    assert numbers(scaled) == _SCALED
    old = {one.image for one in before.values() if one.service == "web"}
    assert old.isdisjoint(one.image for one in after.values() if one.service == "web")
    others = {one.id for one in before.values() if one.service != "web"}
    assert others == {one.id for one in after.values() if one.service != "web"}


def test_rebuilding_the_page_restarts_no_other_service(scaled: Site) -> None:
    (command,) = [line for line in documented("Rebuild one service") if "svelte_app" in line]
    before = {one.name: one for one in scaled.containers()}
    change(scaled, "svelte_app/index.html", "<!-- a new page -->")
    scaled.sh(command)
    with scaled.client() as client:
        assert "<!-- a new page -->" in client.get("/").text
    after = {one.name: one for one in scaled.containers()}
    assert {name for name in before if before[name].id != after[name].id} == {"site-svelte_app-1"}
    assert numbers(scaled) == _SCALED


def test_an_upgrade_keeps_the_scale_and_what_does_not_depend_on_the_change(scaled: Site) -> None:
    """Of the server: Compose also recreates each service that depends on a recreated one, here the database."""
    change(scaled, "django_server/config/__init__.py", "\n")
    before = {one.id for one in scaled.containers()}
    scaled.sh(documented("Upgrade")[1])
    scaled.await_well()
    kept = {one.service for one in scaled.containers() if one.id in before}
    assert {"redis", "svelte_app"} <= kept
    assert numbers(scaled) == _SCALED
    assert {one.exit_code for one in scaled.containers(*ONE_SHOTS)} == {0}
    scaled.upload_in_each_mode()


def change(site: Site, file: str, addition: str) -> None:
    path = site.folder / file
    path.write_text(path.read_text() + addition)
