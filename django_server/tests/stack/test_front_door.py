"""nginx in front of the running stack: files it serves, requests it passes on, and their headers."""

import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from images.error_codes import ERRORS
from tests.support.images.pictures import jpeg
from tests.support.processes.process_tree import descendants
from tests.support.stack.asking import client, is_refusal, logged, only
from tests.support.stack.echo import echoing
from tests.support.stack.stack import Stack

_ECHO = "127.77.0.200"
# The page shows every view: the server does not look the id up.
_SOME_ID = "0e5b4f6c-6f0e-4d7a-9c55-0f8f7d9a4b21"


@pytest.mark.parametrize("path", ["/", "/gallery", f"/images/{_SOME_ID}", f"/batches/{_SOME_ID}"])
def test_every_view_of_the_page_opens_by_its_address(stack: Stack, path: str) -> None:
    with client(stack) as asking:
        page = asking.get(path)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["cache-control"] == "no-cache"
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "https://pictures.example.org" in policy
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["x-content-type-options"] == "nosniff"
        asset = asking.get(page.text.partition('src="')[2].partition('"')[0])
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/async/nothing"])
def test_an_unknown_address_of_the_api_is_no_page(stack: Stack, path: str) -> None:
    with client(stack) as asking:
        answer = asking.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/metrics", "/media/attachments/nothing.jpg", "/static/nothing.css", "/ws/upload/"]
)
def test_what_nginx_does_not_have_is_told_in_the_words_of_the_app(stack: Stack, path: str) -> None:
    with client(stack) as asking:
        answer = asking.get(path)
    assert is_refusal(answer, "not_found")
    assert answer.headers["cache-control"] == "no-store"


def test_other_refusals_of_nginx_are_ours_too(stack: Stack) -> None:
    with client(stack) as asking:
        assert is_refusal(asking.post("/gallery", content=b"x"), "method_not_allowed")
        assert is_refusal(asking.get(f"/{'x' * 60_000}"), "invalid_request")
        assert is_refusal(asking.get("/", headers={"X-Long": "x" * 70_000}), "invalid_request")


def test_a_body_beyond_the_limit_is_refused_before_it_is_sent(stack: Stack) -> None:
    head = f"POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {2**31 + 1}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(stack.places.ports["8080"])), timeout=10) as sending:
        sending.sendall(head.encode())
        answer = HTTPResponse(sending)
        answer.begin()
        assert answer.status == 413
        assert json.loads(answer.read()) == {
            "error": ERRORS["body_too_large"].sentence,
            "code": "body_too_large",
        }


def test_an_upload_is_shown_with_ranges_and_with_headers_that_keep_it_harmless(stack: Stack) -> None:
    with client(stack) as asking:
        image = asking.post("/api/upload", files={"image": ("a.jpg", jpeg())}).json()["image"]
        for url in (image["original"], image["image"], *image["thumbnails"].values()):
            whole = asking.get(url)
            assert whole.headers["content-type"] == "image/jpeg"
            assert whole.headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert whole.headers["x-content-type-options"] == "nosniff"
            assert whole.headers["cross-origin-resource-policy"] == "same-site"
            assert whole.headers["cache-control"] == "public, max-age=31536000, immutable"
            part = asking.get(url, headers={"Range": "bytes=5-9"})
            assert (part.status_code, part.content) == (206, whole.content[5:10])
            again = asking.get(url, headers={"If-None-Match": whole.headers["etag"]})
            assert again.status_code == 304
        bare = urlsplit(image["original"]).path
        assert asking.get(bare).headers["cache-control"] == "no-cache"
        beyond = asking.get(bare, headers={"Range": "bytes=999999999-"})
        assert (beyond.status_code, beyond.json()["code"]) == (416, "invalid_request")


def test_jpeg_by_the_name_of_a_tiff_is_told_to_be_jpeg_below_thumbnails_alone(stack: Stack) -> None:
    folder = stack.places.path("data/media/attachments/archive")
    for part in ("thumbnails", "originals"):
        (folder / part).mkdir(parents=True)
        (folder / part / "a_240.tif").write_bytes(jpeg())
    with client(stack) as asking:
        thumbnail = asking.get("/media/attachments/archive/thumbnails/a_240.tif")
        original = asking.get("/media/attachments/archive/originals/a_240.tif")
    assert thumbnail.headers["content-type"] == "image/jpeg"
    assert thumbnail.headers["x-content-type-options"] == "nosniff"
    assert original.headers["content-type"] == "image/tiff"


def test_answers_of_the_api_are_compressed_and_never_come_from_a_cache(stack: Stack) -> None:
    with client(stack) as asking:
        for _ in range(3):
            asking.post("/api/upload", files={"image": ("a.jpg", jpeg())})
        first = asking.get("/api/list")
        asking.post("/api/upload", files={"image": ("a.jpg", jpeg())})
        second = asking.get("/api/list")
    assert first.headers["content-encoding"] == "gzip"
    assert second.json()[0]["id"] != first.json()[0]["id"]


def test_a_client_is_who_it_is_and_not_who_it_says(stack: Stack) -> None:
    with client(stack, "192.0.2.7") as by_proxy, client(stack, "192.0.2.8", "127.0.0.9") as directly:
        assert logged(stack, by_proxy.get("/healthz"))["client"] == "192.0.2.7"
        assert logged(stack, directly.get("/healthz"))["client"] == "127.0.0.9"


def test_the_app_is_told_the_client_its_scheme_and_the_id_of_the_request(stack: Stack) -> None:
    with echoing(_ECHO, stack.places.ports["8000"]), only(stack, "web", _ECHO):
        with client(stack, "192.0.2.7") as asking:
            answer = asking.get("/healthz", headers={"X-Forwarded-Proto": "https", "X-Request-ID": "mine"})
            got = answer.json()["headers"]
            assert (got["X-Forwarded-For"], got["X-Forwarded-Proto"]) == ("192.0.2.7", "https")
            assert got["X-Request-ID"] == answer.headers["x-request-id"] != "mine"
            assert got["Host"] == urlsplit(stack.url).netloc
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
        with client(stack, "192.0.2.8", "127.0.0.9") as asking:
            got = asking.get("/healthz", headers={"X-Forwarded-Proto": "https"}).json()["headers"]
            assert (got["X-Forwarded-For"], got["X-Forwarded-Proto"]) == ("127.0.0.9", "http")


def test_a_slow_phone_keeps_no_worker_waiting(stack: Stack) -> None:
    body = b"x" * 300_000
    head = f"POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    address = ("127.0.0.1", int(stack.places.ports["8080"]))
    with (
        echoing(_ECHO, stack.places.ports["8000"]) as echo,
        only(stack, "web", _ECHO),
        socket.create_connection(address, timeout=10) as phone,
    ):
        phone.sendall(head.encode() + body[:200_000])
        time.sleep(0.5)
        assert echo.requests == 0
        assert any("/spool/body/" in name for name in open_files(stack.instances["nginx-1"].pid))
        phone.sendall(body[200_000:])
        answer = b"".join(iter(lambda: phone.recv(65536), b""))
    assert b'"bytes": 300000' in answer
    assert echo.requests == 1


def open_files(pid: int) -> Iterator[str]:
    """Names of the files that a process and its child processes have open; nginx's body files are unlinked."""
    for one in (pid, *descendants(pid)):
        for link in Path(f"/proc/{one}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed while we looked
                yield str(link.readlink())


def test_only_a_handshake_gets_to_the_live_instances(stack: Stack) -> None:
    with client(stack) as asking:
        assert asking.post("/ws/upload/", content=b"x" * 100).status_code in (404, 413)
        upgrade = {"Upgrade": "websocket", "Connection": "upgrade"}
        assert is_refusal(asking.post("/ws/upload/", headers=upgrade), "method_not_allowed")
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(stack.websocket_url, origin=Origin("https://evil.example")),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_with_certificates_mounted_the_site_speaks_https(stack: Stack) -> None:
    context = ssl.create_default_context(cafile=str(stack.places.path("etc/nginx/tls/certificate.pem")))
    url = f"https://127.0.0.1:{stack.places.ports['8443']}"
    with httpx.Client(base_url=url, verify=context) as asking:
        for path in ("/", "/api/limits"):
            assert asking.get(path).headers["strict-transport-security"] == "max-age=31536000"
    with client(stack) as asking:
        assert "strict-transport-security" not in asking.get("/").headers


def test_pictures_in_the_bucket_of_the_profile_s3_are_shown_under_the_site_s_address(stack: Stack) -> None:
    with echoing(_ECHO, stack.places.ports["8333"]):
        stack.names.addresses["s3"] = [_ECHO]
        with client(stack) as asking:
            answer = asking.get("/image-store/attachments/a.jpg?X-Amz-Signature=abc")
            # The signed parts are passed on unchanged.
            assert answer.json()["headers"]["Host"] == urlsplit(stack.url).netloc
            assert answer.json()["path"] == "/image-store/attachments/a.jpg?X-Amz-Signature=abc"
            assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers.get_list("cache-control") == ["private, max-age=60"]
            assert is_refusal(asking.put("/image-store/attachments/a.jpg", content=b"x"), "not_found")
            assert is_refusal(asking.get("/image-store-other/a.jpg"), "not_found") is False
    del stack.names.addresses["s3"]


def test_the_first_administrator_of_the_environment_can_come_in(stack: Stack) -> None:
    with client(stack) as asking:
        assert asking.get("/admin").headers["location"] == "/admin/"
        assert asking.get("/admin/status").headers["location"] == "/admin/status/"
        assert asking.get("/api/docs/").headers["location"] == "/api/docs"
        asking.get("/admin/login/")
        form = {"username": "first", "password": "for tests only"}
        headers = {"X-CSRFToken": asking.cookies["csrftoken"], "Origin": stack.url}
        assert asking.post("/admin/login/?next=/admin/", data=form, headers=headers).status_code == 302
        assert asking.get("/admin/images/image/").status_code == 200
        assert asking.get("/static/admin/css/base.css").headers["content-type"].startswith("text/css")
        assert asking.get("/api/docs").status_code == 200


def test_preparing_the_site_again_changes_nothing(stack: Stack) -> None:
    secret = stack.places.path("secrets/secret_key")
    before = secret.read_text()
    stack.run_once("secrets")
    stack.run_once("migrate")
    assert secret.read_text() == before
    assert len(before) == 50
