"""Hostile files and broken requests to each endpoint of a running site: the right error, and no file is left over."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.corpus.entry import COMPLETED, CorpusEntry
from tests.support.images.pictures import jpeg
from tests.support.sites.running_site import RunningSite, wait_until_final

ENDPOINTS = {"/api/upload": "image", "/api/async/upload": "images", "/api/async/batch/upload": "images"}
MANY = [path for path, field in ENDPOINTS.items() if field == "images"]
STATUS_OF = {
    "empty_file": 400,
    "unsupported_type": 400,
    "too_many_pixels": 400,
    "corrupt_image": 422,
}


@pytest.fixture(scope="module")
def named(corpus: list[CorpusEntry]) -> list[CorpusEntry]:
    """The corpus without the entries that have no file name: in a form, such a part is text and not a file."""
    return [entry for entry in corpus if entry.client_name]


@pytest.fixture(autouse=True)
def nothing_is_left(postgres_site: RunningSite) -> Iterator[None]:
    """After each test every image is final, has its files, and there is no other file."""
    yield
    with postgres_site.client() as client:
        images = wait_until_final(client)
        known = {urlsplit(url).path for image in images for url in files_of(image)}
        stored = {f"/{path.relative_to(postgres_site.data_dir)}" for path in postgres_site.stored_files()}
        assert stored == known
        for image in images:
            assert client.delete(f"/api/images/{image['id']}").status_code == 204


def files_of(image: dict[str, Any]) -> list[str]:
    return [image["original"], *(image["thumbnails"] or {}).values()]


def test_every_file_of_the_corpus_through_the_synchronous_endpoint(
    postgres_site: RunningSite, named: list[CorpusEntry]
) -> None:
    wrong = []
    with postgres_site.client() as client:
        for entry in named:
            answer = client.post("/api/upload", files={"image": (entry.client_name, entry.path.read_bytes())})
            if entry.outcome == COMPLETED:
                image = answer.json().get("image", {})
                found: tuple[Any, ...] = (
                    answer.status_code,
                    image.get("status"),
                    image.get("width"),
                    image.get("height"),
                )
                expected: tuple[Any, ...] = (200, COMPLETED, entry.width, entry.height)
            else:
                found = (answer.status_code, answer.json().get("code"))
                expected = (STATUS_OF[entry.outcome], entry.outcome)
            if found != expected:
                wrong.append((entry.name, found, expected))
    assert wrong == []


@pytest.mark.parametrize("path", MANY)
def test_every_file_of_the_corpus_in_one_request_of_many(
    postgres_site: RunningSite, named: list[CorpusEntry], path: str
) -> None:
    sent = [("images", (entry.client_name, entry.path.read_bytes())) for entry in named]
    with postgres_site.client() as client:
        answer = client.post(path, files=sent).json()
        assert len(answer["jobs"]) + len(answer["rejected"]) == len(named)
        images = {image["id"]: image for image in wait_until_final(client)}
    found = {job["index"]: outcome(images[job["id"]]) for job in answer["jobs"]}
    found |= {refused["index"]: refused["code"] for refused in answer["rejected"]}
    wrong = [
        (entry.name, found[index], entry.outcome)
        for index, entry in enumerate(named)
        if found[index] != entry.outcome
    ]
    assert wrong == []


def outcome(image: dict[str, Any]) -> str:
    return str(image["error"]["code"]) if image["error"] else str(image["status"])


NAMES = [
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "..",
    "nul\0byte.jpg",
    "control\x07\x1b[31mred.jpg",
    "naïve — 写真 📷.jpg",
    "\u202egpj.exe",
    "x" * 300 + ".jpg",
    "no-extension",
    '<img src=x onerror="alert(1)">.jpg',
    "'; DROP TABLE images_image; --.jpg",
    " ",
]


def raw_multipart(
    parts: list[tuple[str, str | None, bytes]], *, closed: bool = True
) -> tuple[bytes, dict[str, str]]:
    """A multipart body written by hand, so that any name is sent unchanged."""
    body = b""
    for field, name, content in parts:
        disposition = f'Content-Disposition: form-data; name="{field}"'
        if name is not None:
            disposition += f'; filename="{name.replace(chr(34), "%22")}"'
        body += b"--frontier\r\n" + disposition.encode() + b"\r\n\r\n" + content + b"\r\n"
    if closed:
        body += b"--frontier--\r\n"
    return body, {"Content-Type": "multipart/form-data; boundary=frontier"}


@pytest.mark.parametrize("path", MANY)
def test_a_name_is_data_and_never_a_path(postgres_site: RunningSite, path: str) -> None:
    body, headers = raw_multipart([("images", name, jpeg()) for name in NAMES])
    with postgres_site.client() as client:
        answer = client.post(path, content=body, headers=headers)
        jobs = answer.json()["jobs"]
        assert [job["index"] for job in jobs] == list(range(len(NAMES)))
        shown = {job["name"] for job in jobs}
        assert shown >= {"passwd", "boot.ini", "gpj.exe", "no-extension", "unnamed", "naïve — 写真 📷.jpg"}
        assert all(len(name) <= 255 and name.isprintable() and "/" not in name for name in shown)
        assert "<img" in client.get("/api/list").text


@pytest.mark.parametrize(("path", "field"), ENDPOINTS.items())
@pytest.mark.parametrize("name", NAMES)
def test_each_strange_name_is_accepted_or_refused_as_an_invalid_request(
    postgres_site: RunningSite, path: str, field: str, name: str
) -> None:
    body, headers = raw_multipart([(field, name, jpeg(40, 30))])
    with postgres_site.client() as client:
        answer = client.post(path, content=body, headers=headers)
        # RFC 2046 allows no NUL in a header: the parser may refuse the request, with an error of the API.
        assert answer.status_code in (200, 202) or (answer.status_code, answer.json()["code"]) == (
            400,
            "invalid_request",
        )


@pytest.mark.parametrize("path", MANY)
def test_two_files_of_one_name_are_two_images(postgres_site: RunningSite, path: str) -> None:
    body, headers = raw_multipart([("images", "same.jpg", jpeg())] * 2)
    with postgres_site.client() as client:
        jobs = client.post(path, content=body, headers=headers).json()["jobs"]
    assert len({job["id"] for job in jobs}) == 2


REQUESTS: dict[str, tuple[list[tuple[str, str | None, bytes]], int, str]] = {
    "no file": ([], 400, "missing_field"),
    "wrong field": ([("picture", "a.jpg", jpeg())], 400, "missing_field"),
    "sent as text": ([("FIELD", None, b"data")], 400, "missing_field"),
    "a name that is empty": ([("FIELD", "", jpeg())], 400, "missing_field"),
    "empty": ([("FIELD", "a.jpg", b"")], 400, "empty_file"),
    "text": ([("FIELD", "a.jpg", b"this is no picture")], 400, "unsupported_type"),
    "file over the limit": ([("FIELD", "a.jpg", jpeg() + bytes(13 * 2**20))], 413, "file_too_large"),
    "a field of three megabytes": ([("FIELD", None, bytes(3 * 2**20))], 400, "invalid_request"),
}


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_without_a_usable_file_gets_its_code(
    postgres_site: RunningSite, path: str, case: str
) -> None:
    parts, status, code = REQUESTS[case]
    field = ENDPOINTS[path]
    body, headers = raw_multipart([(name.replace("FIELD", field), *rest) for name, *rest in parts])  # type: ignore[misc]
    with postgres_site.client() as client:
        answer = client.post(path, content=body, headers=headers)
    if path in MANY and "rejected" in answer.json():
        status = 400  # the whole request, however its files were refused
        assert answer.json()["rejected"][0]["code"] == code
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_other_content_types_and_methods_are_refused_as_json(postgres_site: RunningSite, path: str) -> None:
    with postgres_site.client() as client:
        for content_type in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
            answer = client.post(path, content=b"{}", headers={"Content-Type": content_type})
            assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            answer = client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        for boundary in ("", "; boundary=", "; boundary=" + "x" * 300, '; boundary="a b\u00e9"'.encode()):
            kind = b"multipart/form-data" + (boundary if isinstance(boundary, bytes) else boundary.encode())
            answer = client.post(path, content=b"--x--", headers={b"Content-Type": kind})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), boundary


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_truncated_body_with_the_right_length_is_refused(postgres_site: RunningSite, path: str) -> None:
    body, headers = raw_multipart([(ENDPOINTS[path], "a.jpg", jpeg())], closed=False)
    with postgres_site.client() as client:
        answer = client.post(path, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", MANY)
def test_more_than_a_thousand_files_are_refused(postgres_site: RunningSite, path: str) -> None:
    with postgres_site.client() as client:
        tiny = jpeg(8, 8)
        body, headers = raw_multipart([("images", f"{index}.jpg", tiny) for index in range(1001)])
        answer = client.post(path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "too_many_files")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_body_over_the_limit_is_refused_before_it_arrives(postgres_site: RunningSite, path: str) -> None:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {700 * 2**20}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    status, answer = talk(postgres_site, head.encode())
    assert (status, answer["code"]) == (413, "body_too_large")


def test_a_chunked_body_over_the_limit_is_refused_while_it_arrives(postgres_site: RunningSite) -> None:
    head = (
        "POST /api/upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    chunk = b"100000\r\n" + bytes(2**20) + b"\r\n"
    status, answer = talk(postgres_site, head.encode(), *[chunk] * 610)
    assert (status, answer["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_chunked_body_without_a_length_is_accepted(postgres_site: RunningSite, path: str) -> None:
    body, headers = raw_multipart([(ENDPOINTS[path], "a.jpg", jpeg())])
    with postgres_site.client() as client:
        answer = client.post(path, content=iter([body[:100], body[100:]]), headers=headers)
    assert answer.status_code in (200, 202)


def test_a_stalled_body_is_refused(postgres_site: RunningSite) -> None:
    head = (
        "POST /api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    started = time.monotonic()
    status, answer = talk(postgres_site, head.encode())
    assert (status, answer["code"]) == (400, "invalid_request")
    assert time.monotonic() - started < 12


def talk(site: RunningSite, *pieces: bytes) -> tuple[int, dict[str, Any]]:
    """Send the bytes unchanged and read the response, which may arrive before the last piece is sent."""
    where = urlsplit(site.url)
    assert where.hostname
    assert where.port
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        for piece in pieces:
            connection.sendall(piece)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            received = connection.recv(65536)
            assert received, answer
            answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "not_found"),
        ("GET", "/api/images/not-an-id", 400, "invalid_request"),
        ("GET", "/api/images/00000000-0000-0000-0000-000000000000", 404, "not_found"),
        ("POST", "/api/list", 405, "method_not_allowed"),
        ("GET", "/api/batches/00000000-0000-0000-0000-000000000000", 404, "not_found"),
        ("GET", "/media/%2e%2e/%2e%2e/%2e%2e/etc/passwd", 404, "not_found"),
        ("GET", "/media/nothing.jpg", 404, "not_found"),
        ("GET", "/media/%00", 404, "not_found"),
        ("POST", "/api/async/upload?batch=x", 400, "invalid_request"),
    ],
)
def test_errors_of_unknown_addresses_are_json(
    postgres_site: RunningSite, method: str, path: str, status: int, code: str
) -> None:
    with postgres_site.client() as client:
        answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_wrong_host_is_refused_as_json(postgres_site: RunningSite) -> None:
    with postgres_site.client() as client:
        answer = client.get("/api/list", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
