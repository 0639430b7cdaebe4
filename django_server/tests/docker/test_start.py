"""A started site: page, API, WebSocket and admin; users, folders, networks and limits of the containers."""

import re

import httpx
import pytest

from tests.support.docker.site import ONE_SHOTS, Site
from tests.support.docker.terminal import answer
from tests.support.images.pictures import jpeg
from tests.support.live.listener import listening
from tests.support.processes.process_tree import eventually
from tests.support.stack.production_page import documented, headings, section


def test_an_image_can_be_uploaded_in_each_mode(site: Site) -> None:
    site.upload_in_each_mode()


def test_the_page_and_its_scripts_are_served(site: Site) -> None:
    with site.client() as client:
        page = client.get("/")
        assert page.status_code == 200
        scripts = re.findall(r'src="(/assets/[^"]+)"', page.text)
        assert scripts
        assert [client.get(script).status_code for script in scripts] == [200] * len(scripts)


def test_the_websocket_reports_a_finished_image(site: Site) -> None:
    with listening(site.websocket_url) as listener, site.client() as client:
        id_ = client.post("/api/upload", files={"image": ("a.jpg", jpeg())}).json()["image"]["id"]
        assert eventually(lambda: listener.newest.get(id_, (0, ""))[1] == "completed", 20)


def test_an_administrator_can_be_created_and_log_in(site: Site) -> None:
    (command,) = [line for line in documented("Start") if "createsuperuser" in line]
    answers = {"Username": "operator", "Email": "", "Password:": "long enough 77", "again": "long enough 77"}
    answer(command, answers, site.folder, site.engine.environment)
    with httpx.Client(base_url=site.url, follow_redirects=True) as client:
        login = client.get("/admin/login/")
        token = client.cookies["csrftoken"]
        assert login.status_code == 200
        form = {
            "username": "operator",
            "password": "long enough 77",
            "csrfmiddlewaretoken": token,
            "next": "/admin/",
        }
        entered = client.post("/admin/login/", data=form, headers={"Referer": f"{site.url}/admin/login/"})
        assert entered.url.path == "/admin/"
        assert client.get("/admin/status/").status_code == 200


@pytest.mark.parametrize("service", ["web", "live", "worker", "bulk", "sweeper", "beat"])
def test_the_server_runs_as_a_user_and_group_of_its_own(site: Site, service: str) -> None:
    assert site.exec(service, "id -u; id -g") == (0, "10001\n10001\n")


def test_no_process_runs_as_root(site: Site) -> None:
    for one in site.containers():
        if one.service not in ONE_SHOTS:
            users = site.engine.run("top", one.id, "-eo", "pid,uid").split()[3::2]
            assert "0" not in users, one.name


def test_only_volumes_and_memory_are_writable(site: Site) -> None:
    for service in {one.service for one in site.containers()} - ONE_SHOTS:
        code, message = site.exec(service, "touch /written")
        assert code != 0, service
        assert "Read-only file system" in message
    for folder in ("/tmp", "/run/metrics", "/data", "/data/tmp"):  # noqa: S108  of the container
        assert site.exec("web", f"touch {folder}/written && rm {folder}/written") == (0, ""), folder


def test_djangos_key_cannot_be_read_by_the_database_and_the_pool(site: Site) -> None:
    assert site.exec("web", "test -r /secrets/secret_key") == (0, "")
    for service in ("db", "pgbouncer"):
        code, message = site.exec(service, "cat /secrets/secret_key")
        assert code != 0
        assert "Permission denied" in message
    assert site.exec("db", "test -r /secrets/database_password") == (0, "")


def test_nginx_reaches_no_database_and_the_database_not_the_outside(site: Site) -> None:
    def nginx_connects(address: str, port: int) -> bool:
        code, _ = site.exec(
            "nginx", f"curl -s -o /dev/null --connect-timeout 3 --max-time 4 http://{address}:{port}/"
        )
        # Name not resolved, no connection, time-out; with a connection, a database gives other errors.
        return code not in (6, 7, 28)

    assert nginx_connects("web", 8000)
    for service, port in (("db", 5432), ("redis", 6379), ("pgbouncer", 6432)):
        assert not nginx_connects(service, port)
        assert not nginx_connects(address_of(site, service), port)
    target = f"{address_of(site, 'nginx')}/8080"
    assert site.exec("db", f"timeout 3 bash -c 'exec 3<>/dev/tcp/{target}'")[0] != 0


def address_of(site: Site, service: str) -> str:
    (one,) = site.containers(service)
    networks = site.engine.inspect([one.id])[0]["NetworkSettings"]["Networks"]
    return str(next(iter(networks.values()))["IPAddress"])


def test_only_nginx_publishes_a_port_and_on_loopback_only(site: Site) -> None:
    ports = {
        one.service: found
        for one in site.containers()
        if (found := site.engine.inspect([one.id])[0]["HostConfig"]["PortBindings"])
    }
    assert ports == {
        "nginx": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": site.variables["HTTP_PORT"]}]}
    }


def test_memory_swap_and_processes_are_limited(site: Site) -> None:
    kernel_limits_swap = site.engine.run("info", "--format", "{{.SwapLimit}}").strip() == "true"
    for one in site.containers():
        limits = site.engine.inspect([one.id])[0]["HostConfig"]
        assert limits["PidsLimit"] == 1024, one.name
        if one.service not in ("secrets", "svelte_app"):
            assert limits["Memory"] > 0, one.name
            assert limits["MemorySwap"] == (limits["Memory"] if kernel_limits_swap else -1), one.name
        assert all("size=" in options for options in (limits.get("Tmpfs") or {}).values()), one.name


@pytest.mark.parametrize("command", ["docker compose up --build --detach", "docker compose up --detach"])
def test_starting_again_without_a_change_recreates_nothing(site: Site, command: str) -> None:
    before = site.ids()
    site.sh(command)
    site.await_well()
    assert site.ids() == before


def test_the_metrics_of_the_section_can_be_read(site: Site) -> None:
    (command,) = documented("Metrics")
    assert "django_file_upload_dependency_up" in site.sh(command)


def test_the_management_commands_run(site: Site) -> None:
    (help_command,) = documented("Management commands")
    assert "reconcile" in site.sh(help_command)
    _, *rows = re.findall(r"^\| `([^`]+)` \|", section("Management commands"), re.MULTILINE)
    assert len(rows) == 6
    for row in rows:
        if not row.startswith("register"):  # needs an archive
            site.sh(help_command.replace("help", row))


def test_a_request_is_followed_through_the_logs(site: Site) -> None:
    (command,) = documented("Logs")
    with site.client() as client:
        answer = client.post("/api/async/upload", files={"images": ("a.jpg", jpeg())})
    site.await_batch(answer.json()["batch_id"], 1)
    words = command.split()
    lines = site.sh(" ".join([*words[:-1], answer.headers["x-request-id"]])).splitlines()
    assert len(lines) >= 3


def test_the_server_image_contains_no_redis(site: Site) -> None:
    assert site.exec("web", "find /venv /usr /opt -name '*redis-server' -o -name 'valkey-server'") == (0, "")


def test_every_section_with_commands_is_tested() -> None:
    with_commands = {heading for heading in headings() if documented(heading)}
    assert with_commands == {
        *("Start", "Scale", "Rebuild one service", "Management commands", "Delete images"),
        *("Back up and restore", "Upgrade", "TLS", "Metrics", "Logs"),
    }
