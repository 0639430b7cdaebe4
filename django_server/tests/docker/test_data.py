"""What is stored outlives containers, can be backed up and restored, and its password can be changed."""

from tests.support.docker.site import Site
from tests.support.images.pictures import jpeg
from tests.support.stack.production_page import documented


def test_down_and_up_keeps_all_data(site: Site) -> None:
    ids = site.upload_in_each_mode()
    site.sh("docker compose down")
    assert site.containers() == []
    site.sh(documented("Start")[0])
    site.await_well()
    assert_stored(site, ids)


def test_the_password_of_the_database_can_be_changed(site: Site) -> None:
    for command in documented("Upgrade")[2:]:
        site.sh(command)
    site.await_well()
    site.upload_in_each_mode()


def test_what_was_backed_up_is_restored_into_a_new_site(site: Site) -> None:
    commands = documented("Back up and restore")
    stops = next(number for number, line in enumerate(commands) if line.startswith("docker compose stop"))
    ids = site.upload_in_each_mode()
    for command in commands[:stops]:
        site.sh(command)
    key = site.exec("web", "cat /secrets/secret_key")
    site.sh("docker compose down --volumes")
    site.sh(documented("Start")[0])
    site.await_well()
    with site.client() as client:
        assert client.get("/api/list").json() == []
    for command in commands[stops:]:
        site.sh(command)
    site.await_well()
    assert_stored(site, ids)
    assert site.exec("web", "cat /secrets/secret_key") == key
    site.upload_in_each_mode()


def test_images_are_deleted_by_the_documented_commands(site: Site) -> None:
    ids = site.upload_in_each_mode()
    report, apply = documented("Delete images")
    for command in (report, apply):
        site.sh(command)
    assert_stored(site, ids)
    site.sh(apply.replace("--before 2026-01-31", "--all"))
    with site.client() as client:
        assert client.get("/api/list").json() == []


def assert_stored(site: Site, ids: list[str]) -> None:
    with site.client() as client:
        for id_ in ids:
            image = client.get(f"/api/images/{id_}").json()
            assert client.get(image["original"]).content == jpeg()
            assert client.get(image["thumbnails"]["small"]).status_code == 200
