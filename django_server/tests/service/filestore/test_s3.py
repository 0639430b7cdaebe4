"""The S3 store against a real HTTP server: the same guarantees as the local store."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from filestore.media_types import media_type
from filestore.s3 import S3Store
from filestore.store import Store
from tests.support.servers import S3
from tests.support.servers.s3 import fill

Answer = Callable[[BaseHTTPRequestHandler], None]


def _write(store: Store, key: str, content: bytes = b"bytes") -> None:
    with store.writing(key) as file:
        file.write(content)


def _read(store: Store, key: str) -> bytes:
    with store.open(key) as file:
        return file.read()


def test_a_file_is_there_whole_or_not_at_all(store: S3Store) -> None:
    with store.writing("a/x.jpg") as file:
        file.write(b"first")
        assert file.fileno() > 0
        assert not store.exists("a/x.jpg")
    with store.open("a/x.jpg") as file:
        assert file.read() == b"first"
        file.seek(1)
        assert file.read() == b"irst"


def test_a_writer_that_fails_leaves_the_old_file(store: S3Store) -> None:
    _write(store, "x.jpg", b"old")

    def fail_half_way() -> None:
        with store.writing("x.jpg") as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert _read(store, "x.jpg") == b"old"


KEYS = ["a-b/1.jpg", "a/1.jpg", "a/z.jpg", "a0.jpg", "b &+%=?#.jpg", "é/ü.jpg", "日本.jpg", "🦊.jpg"]


def test_a_listing_is_in_byte_order_of_key_and_leaves_folders_out(store: S3Store) -> None:
    for key in ["empty/", *KEYS]:
        _write(store, key)
    assert [file.key for file in store.list()] == sorted(KEYS, key=str.encode)
    assert [file.key for file in store.list("a")] == ["a/1.jpg", "a/z.jpg"]
    assert list(store.list("nothing")) == []
    for key in KEYS:
        assert _read(store, key) == b"bytes"


def test_more_files_and_folders_than_one_page_holds_are_listed(s3: S3, store: S3Store) -> None:
    fill(s3, store.bucket, {f"many/{number:04}/x.jpg": b"" for number in range(1001)})
    assert [file.key for file in store.list("many")] == [f"many/{n:04}/x.jpg" for n in range(1001)]
    assert list(store.folders("many")) == [f"{number:04}" for number in range(1001)]


def test_folders_are_named_in_byte_order_of_their_names(store: S3Store) -> None:
    for name in ("a", "a-", "Z", "é"):
        _write(store, f"root/{name}/deep/x.jpg")
    _write(store, "root/file.jpg")
    assert list(store.folders("root")) == ["Z", "a", "a-", "é"]
    assert list(store.folders("nowhere")) == []


def test_stat_equals_the_entry_of_a_listing(store: S3Store) -> None:
    _write(store, "a/x.jpg", b"12345")
    told, listed = store.stat("a/x.jpg"), next(store.list())
    # HEAD gives the time in seconds; the etag identifies the content.
    assert (told.key, told.byte_size, told.version) == (listed.key, listed.byte_size, listed.version)
    assert abs(told.modified_ns - time.time_ns()) < 60e9
    assert len(told.etag) == 32


def test_fetch_returns_the_metadata_of_the_content(store: S3Store) -> None:
    _write(store, "x.jpg")
    stored, file = store.fetch("x.jpg")
    with file:
        assert (stored, file.read()) == (store.stat("x.jpg"), b"bytes")


def test_a_rewritten_file_has_another_version(store: S3Store) -> None:
    versions = set()
    for content in (b"one", b"two"):
        _write(store, "x.jpg", content)
        versions.add(store.stat("x.jpg").version)
    assert len(versions) == 2


def test_deleting_twice_is_the_same_as_once(store: S3Store) -> None:
    _write(store, "x.jpg")
    assert store.delete("x.jpg")
    assert store.delete("x.jpg")
    assert not store.exists("x.jpg")


def test_a_large_file_is_read_back_from_the_disk_a_small_one_from_memory(store: S3Store) -> None:
    large = bytes(range(256)) * (9 << 12)
    for key, content, in_memory in (("large.tif", large, False), ("small.jpg", b"small", True)):
        _write(store, key, content)
        with store.open(key) as file:
            place = Path(f"/proc/self/fd/{file.fileno()}").readlink()
            assert str(place).startswith("/memfd:") is in_memory
            assert file.read() == content


def test_stat_many_returns_existing_and_missing_files(store: S3Store) -> None:
    there = ["a/thumbnails/0/x y é_200.jpg", "a/thumbnails/1/b_200.jpg", "a/thumbnails/1/b_400.jpg"]
    for key in [*there, "a/originals/x.jpg", "b/thumbnails/0/x_200.jpg"]:
        _write(store, key)
    missing = ["a/thumbnails/0/a_200.jpg", "a/thumbnails/1/c_200.jpg", "a/thumbnails/1/日本_200.jpg"]
    seen = store.stat_many([*missing, *reversed(there)])
    assert {key: found is not None for key, found in seen.items()} == {
        **dict.fromkeys(there, True),
        **dict.fromkeys(missing, False),
    }
    for key in there:
        found, told = seen[key], store.stat(key)
        assert found is not None
        assert (found.key, found.byte_size, found.etag) == (key, told.byte_size, told.etag)
        assert found.modified_ns // 1_000_000_000 == told.modified_ns // 1_000_000_000
    assert store.stat_many([]) == {}
    assert store.stat_many(["b/x.jpg"]) == {"b/x.jpg": None}


def test_stat_many_leaves_out_keys_after_its_page(store: S3Store) -> None:
    keys = [f"a/{number:02}.jpg" for number in range(12)]
    for key in keys:
        _write(store, key)
    seen = store.stat_many([keys[1], keys[2], keys[11]])  # twelve keys at most
    assert set(seen) == {keys[1], keys[2], keys[11]}
    seen = store.stat_many([keys[0], keys[11]])  # eight
    assert set(seen) == {keys[0]}
    assert seen[keys[0]] is not None


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a/originals/x.JPG", "image/jpeg"),
        ("a/originals/x.tif", "image/tiff"),
        ("a/thumbnails/x_200.tif", "image/jpeg"),
        ("a/thumbnails/x_200.BMP", "image/jpeg"),
        ("a/thumbnails/x_200.png", "image/png"),
        ("manifest.json", "application/json"),
        ("a/readme", "application/octet-stream"),
    ],
)
def test_the_media_type_is_that_of_the_content(key: str, expected: str) -> None:
    assert media_type(key) == expected


def test_type_and_caching_go_with_the_file(s3: S3, store: S3Store) -> None:
    store.cache_control = "max-age=60"
    _write(store, "a/thumbnails/x_200.tif")
    head = store._client().head_object(Bucket=store.bucket, Key="a/thumbnails/x_200.tif")
    assert (head["ContentType"], head["CacheControl"]) == ("image/jpeg", "max-age=60")


def test_a_missing_key_raises_file_not_found(s3: S3, store: S3Store) -> None:
    for ask in (store.stat, store.open):
        with pytest.raises(FileNotFoundError, match=r"There is no 'x.jpg' of the bucket"):
            ask("x.jpg")
    nowhere = S3Store("no-such-bucket", endpoint=s3.url, access_key="k", secret_key="s")
    for act in (lambda: next(nowhere.list()), lambda: list(nowhere.folders()), lambda: _read(nowhere, "x")):
        with pytest.raises(OSError, match="There is no bucket 'no-such-bucket'") as failure:
            act()
        # Otherwise all of its files would be taken for deleted.
        assert not isinstance(failure.value, FileNotFoundError)


@contextmanager
def _server(answer: Answer) -> Iterator[str]:
    """An HTTP server that responds to every request with `answer`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def do_HEAD(self) -> None:
            answer(self)

        def do_PUT(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as the base class has it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _status(code: int) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def _store_at(endpoint: str, **options: Any) -> S3Store:
    return S3Store("photos", endpoint=endpoint, access_key="k", secret_key="s", **options)


def test_denied_access_raises_permission_error() -> None:
    with _server(_status(403)) as endpoint:
        store = _store_at(endpoint)
        for ask in (store.stat, store.open):
            with pytest.raises(PermissionError, match=r"refuses access to 'x.jpg'"):
                ask("x.jpg")


def test_a_failing_server_is_retried_and_then_raises() -> None:
    asked = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        _status(503)(request)

    with _server(answer) as endpoint, pytest.raises(ConnectionError, match="failed with status 503"):
        _store_at(endpoint, max_attempts=2).stat("x.jpg")
    assert asked == ["/photos/x.jpg", "/photos/x.jpg"]


@pytest.mark.parametrize("first", [429, 503])
def test_a_failed_put_is_retried_with_the_whole_file(first: int) -> None:
    bodies: list[bytes] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        bodies.append(request.rfile.read(int(request.headers["Content-Length"])))
        _status(first if len(bodies) == 1 else 200)(request)

    with _server(answer) as endpoint:
        _write(_store_at(endpoint, max_attempts=2), "x.jpg", b"all of it")
    assert bodies == [b"all of it", b"all of it"]


def test_any_other_response_is_handled_by_the_boto3_client() -> None:
    agents: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        agents.append(request.headers.get("User-Agent", ""))
        body = b"<Error><Code>ExpiredToken</Code></Error>"
        request.send_response(400)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    with _server(answer) as endpoint:
        store = _store_at(endpoint)
        with pytest.raises(PermissionError, match=r"refuses access to 'x.jpg'"):
            store.open("x.jpg")
        # No retry.
        assert len(agents) == 2
        assert agents[-1].startswith("Boto3")


def test_credentials_are_looked_up_where_boto3_does(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(f"{request.headers['Authorization']} {request.headers['X-Amz-Security-Token']}")
        request.send_response(200)
        for name, value in {
            "Content-Length": "1",
            "ETag": '"a"',
            "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT",
        }.items():
            request.send_header(name, value)
        request.end_headers()

    for name, value in {
        "ACCESS_KEY_ID": "env-key",
        "SECRET_ACCESS_KEY": "s",
        "SESSION_TOKEN": "token",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with _server(answer) as endpoint:
        S3Store("photos", endpoint=endpoint, region="eu-west-1").stat("x.jpg")
    (only,) = asked
    assert "Credential=env-key/" in only
    assert "/eu-west-1/s3/" in only
    assert only.endswith(" token")


@pytest.mark.parametrize("given", [{"access_key": "k"}, {"secret_key": "s"}])
def test_half_a_pair_of_credentials_is_ignored(given: dict[str, str]) -> None:
    with pytest.raises(PermissionError, match="There are no access keys for the bucket 'photos'"):
        S3Store("photos", endpoint="http://127.0.0.1:9", **given).stat("x.jpg")  # type: ignore[arg-type]
    with pytest.raises(PermissionError, match="There are no access keys for the bucket 'photos'"):
        next(S3Store("photos", endpoint="http://127.0.0.1:9", **given).list())  # type: ignore[arg-type]


def test_an_unreachable_server_raises_connection_error() -> None:
    with pytest.raises(ConnectionError, match="could not be reached"):
        _store_at("http://127.0.0.1:9", max_attempts=1).stat("x.jpg")
    with pytest.raises(ConnectionError, match="could not be reached"):
        _store_at("no address", max_attempts=1).stat("x.jpg")


def test_a_silent_server_raises_timeout_error() -> None:
    released = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        released.wait(10)

    with _server(answer) as endpoint:
        with pytest.raises(TimeoutError, match="did not answer in time"):
            _store_at(endpoint, read_seconds=0.2, max_attempts=1).stat("x.jpg")
        released.set()


def test_a_download_that_breaks_off_is_retried() -> None:
    asked = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        request.send_response(200)
        request.send_header("Content-Length", "4")
        request.send_header("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
        request.send_header("ETag", '"0a1b"')
        request.end_headers()
        request.wfile.write(b"whole"[:4] if len(asked) > 1 else b"ha")
        request.close_connection = True

    with _server(answer) as endpoint:
        assert _read(_store_at(endpoint), "x.jpg") == b"whol"
    assert len(asked) == 2


def test_a_download_past_its_time_limit_raises() -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(1 << 20))
        request.end_headers()
        for _ in range(50):
            try:
                request.wfile.write(bytes(1 << 15))
            except OSError:
                break
            time.sleep(0.05)
        request.close_connection = True

    with _server(answer) as endpoint:
        started = time.monotonic()
        with pytest.raises(TimeoutError, match="did not answer in time"):
            _store_at(endpoint, open_seconds=0.3).open("x.jpg")
        assert time.monotonic() - started < 5


def test_make_bucket_keeps_an_existing_bucket(s3: S3) -> None:
    store = S3Store("made-here", endpoint=s3.url, access_key=s3.access_key, secret_key=s3.secret_key)
    store.make_bucket()
    _write(store, "x.jpg")
    store.make_bucket()
    assert store.exists("x.jpg")


def test_the_private_http_session_of_boto3s_client_is_where_object_requests_look_for_it(
    store: S3Store,
) -> None:
    from botocore.httpsession import URLLib3Session

    assert isinstance(store._client()._endpoint.http_session, URLLib3Session)
