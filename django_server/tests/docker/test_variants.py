"""compose.tls.yml and compose.dev.yml, each with the command in its file or in docs/production.md."""

import re
import ssl
from collections.abc import Iterator

import httpx
import pytest

from tests.support.docker.site import Site
from tests.support.processes.process_tree import eventually
from tests.support.servers.ports import free_port
from tests.support.stack.compose import ROOT
from tests.support.stack.layout import certify
from tests.support.stack.production_page import documented


@pytest.fixture(autouse=True)
def plain_again(site: Site) -> Iterator[None]:
    yield
    site.sh("docker compose up --build --detach --remove-orphans")
    site.await_well()


def test_https_in_the_included_nginx(site: Site) -> None:
    folder = site.folder / "nginx" / "tls"
    certify(folder, owner=101)
    site.set(HTTPS_PORT=str(free_port()))
    *start, reload = documented("TLS")
    for command in start:
        site.sh(command)
    site.await_well()
    trusted = ssl.create_default_context(cafile=folder / "certificate.pem")
    url = f"https://127.0.0.1:{site.variables['HTTPS_PORT']}"
    with httpx.Client(base_url=url, verify=trusted) as client:
        assert client.get("/readyz").status_code == 200
        assert client.get("/index.html").headers["strict-transport-security"]
        site.sh(reload)
        assert eventually(lambda: client.get("/readyz").status_code == 200, 10)


def test_development_reloads_the_page_and_the_server(site: Site) -> None:
    found = re.search(r"^# +(docker compose .*)$", (ROOT / "compose.dev.yml").read_text(), re.MULTILINE)
    assert found
    site.sh(f"{found[1]} --detach", seconds=900)
    site.await_well()
    page = "http://127.0.0.1:5173"
    assert eventually(lambda: responds(f"{page}/"), 60)
    assert "/src/" in httpx.get(f"{page}/", headers={"Accept": "text/html"}).text
    assert httpx.get(f"{page}/api/list").status_code == 200
    health = site.folder / "django_server" / "images" / "api" / "health.py"
    before = health.read_text()
    health.write_text(before.replace('{"status": "ok"})', '{"status": "reloaded"})'))
    assert eventually(lambda: "reloaded" in httpx.get(f"{site.url}/healthz", timeout=30).text, 30), (
        site.logs()
    )
    health.write_text(before)


def responds(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
