"""Responses are harmless whatever was uploaded: media types, headers, names, origins, secrets."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.corpus.entry import CorpusEntry
from tests.support.images.pictures import jpeg
from tests.support.sites.running_site import RunningSite
from tests.support.sites.started_site import SERVER_ROOT

HOSTILE = '"><script>alert(1)</script>\u202e<img src=x onerror=alert(2)>.jpg'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
EVIL = {"Origin": "https://evil.example"}


@pytest.fixture
def client(stressed_site: RunningSite) -> Iterator[httpx.Client]:
    with stressed_site.client() as client:
        yield client


@pytest.fixture
def image(client: httpx.Client) -> dict[str, Any]:
    """A stored image with a hostile name."""
    stored: dict[str, Any] = upload(client, HOSTILE, jpeg()).json()["image"]
    return stored


def upload(client: httpx.Client, name: str, content: bytes, type_: str = "image/jpeg") -> httpx.Response:
    return client.post("/api/upload", files={"image": (name, content, type_)})


def assert_harmless(answer: httpx.Response) -> None:
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_every_response_below_media_forbids_scripts_and_type_guessing(
    client: httpx.Client, image: dict[str, Any]
) -> None:
    for url in (image["original"], image["image"], image["thumbnails"]["small"]):
        whole = client.get(url)
        answers = {
            200: [whole, client.head(url)],
            206: [client.get(url, headers={"Range": "bytes=0-9"})],
            304: [client.get(url, headers={"If-None-Match": whole.headers["etag"]})],
            416: [client.get(url, headers={"Range": "bytes=99999999-"})],
        }
        for status, some in answers.items():
            for answer in some:
                assert answer.status_code == status
                assert_harmless(answer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/media/nothing.jpg", 404),
        ("HEAD", "/media/nothing.jpg", 404),
        ("GET", "/media/", 404),
        ("GET", "/media/attachments", 404),
        ("GET", "/media/%2e%2e/secret_key", 404),
        ("GET", "/media/..%2f..%2fetc/passwd", 404),
        ("GET", "/media/" + "x" * 300, 404),
        ("GET", "/media/a%00b", 404),
        ("POST", "/media/nothing.jpg", 405),
    ],
)
def test_an_error_below_media_is_harmless_too_and_is_json(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert_harmless(answer)
    assert answer.headers["content-type"] == "application/json"
    if method != "HEAD":
        assert set(answer.json()) == {"error", "code"}


def test_an_image_is_served_with_the_type_of_its_content_whatever_its_name(
    client: httpx.Client, corpus: list[CorpusEntry]
) -> None:
    polyglot = next(entry for entry in corpus if entry.name == "gif-that-is-also-a-script").path.read_bytes()
    for name, type_, content, found in (
        ("script.js", "text/javascript", polyglot, "image/gif"),
        ("page.html", "text/html", jpeg(), "image/jpeg"),
        ("drawing.svg", "image/svg+xml", jpeg(), "image/jpeg"),
    ):
        stored = upload(client, name, content, type_)
        assert stored.status_code == 200, stored.text
        image = stored.json()["image"]
        assert image["type"] == found
        answer = client.get(image["original"])
        assert (answer.headers["content-type"], answer.content) == (found, content)
        assert_harmless(answer)


@pytest.mark.parametrize("content", [SVG, HTML], ids=["SVG", "HTML"])
@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.html"])
def test_a_file_that_is_no_raster_image_is_refused_by_its_content(
    client: httpx.Client, name: str, content: bytes
) -> None:
    answer = upload(client, name, content, "image/png")
    assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_type")


def test_a_hostile_name_is_data_in_json_and_no_part_of_a_key(
    client: httpx.Client, image: dict[str, Any]
) -> None:
    answer = client.get(f"/api/images/{image['id']}")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-content-type-options"] == "nosniff"
    # Only the mark that changes the direction of text, and the part that looks like a folder, are removed.
    assert answer.json()["name"] == "script><img src=x onerror=alert(2)>.jpg"
    download = client.get(image["original"])
    for text in (image["original"], *image["thumbnails"].values(), str(download.headers)):
        assert "script" not in text
        assert "onerror" not in text


def test_no_response_allows_access_by_pages_of_other_sites(
    client: httpx.Client, image: dict[str, Any]
) -> None:
    preflight = {**EVIL, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x"}
    answers = [
        *(client.get(path, headers=EVIL) for path in ("/api/list", "/healthz", "/api/limits", "/nothing")),
        client.get(image["original"], headers=EVIL),
        client.get(image["image"], headers=EVIL),
        client.post("/api/upload", files={"image": ("a.jpg", jpeg())}, headers=EVIL),
        client.delete(f"/api/images/{image['id']}", headers=EVIL),
        *(client.options(path, headers=preflight) for path in ("/api/upload", "/api/list", image["image"])),
    ]
    for answer in answers:
        allowing = [name for name in answer.headers if name.startswith("access-control-")]
        assert allowing == [], answer.request.url
    assert client.get(f"/api/images/{image['id']}").status_code == 200


@pytest.mark.parametrize("path", ["/api/list", "/", "/healthz", "/admin/login/"])
def test_an_unknown_host_is_refused_as_json(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert "evil" not in answer.text
    assert "DEBUG" not in answer.text


@pytest.mark.parametrize(
    "command", [["serve"], ["check"], ["migrate"], ["sweep"]], ids=lambda words: str(words[0])
)
def test_with_a_database_and_no_secret_nothing_starts_and_a_sentence_names_the_variable(
    command: list[str], tmp_path: Any
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    environment |= {"DATA_DIR": str(tmp_path), "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}
    ended = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=SERVER_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr == "SECRET_KEY must be set in the environment when DATABASE_URL is.\n"


def test_debug_is_off_unless_asked_for(stressed_site: RunningSite) -> None:
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json; from django.conf import settings as s; print(json.dumps([s.DEBUG, s.CSRF_COOKIE_SAMESITE]))",
        ],
        cwd=SERVER_ROOT,
        env={**stressed_site.environment, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(shown.stdout) == [False, "Lax"]
