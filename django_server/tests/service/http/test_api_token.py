"""API_TOKEN is required for changes and for the WebSocket, and for nothing else."""

from collections.abc import Iterator

import httpx
import pytest

from images.http.bearer_token import bearer, is_token
from tests.support.images.pictures import jpeg
from tests.support.live.live_site import Site, closing_code, frame_of, live_site
from tests.support.servers import redis_server

TOKEN = "a secret; with spaces, 🔑 and +"
GIVEN = {b"Authorization": f"Bearer {TOKEN}".encode()}
ID = "00000000-0000-0000-0000-000000000000"
CHANGES = [
    ("POST", "/api/upload"),
    ("POST", "/api/async/upload"),
    ("POST", "/api/async/batch/upload"),
    ("DELETE", f"/api/images/{ID}"),
    ("POST", f"/api/images/{ID}/retry"),
    ("POST", f"/api/images/{ID}/abort"),
    ("DELETE", f"/api/batches/{ID}"),
    ("POST", f"/api/batches/{ID}/retry"),
    ("POST", f"/api/batches/{ID}/abort"),
]
OPEN = ["/api/list", "/api/batches", "/api/limits", "/api/openapi.json", "/api/docs", "/healthz", "/readyz"]


@pytest.fixture(scope="module")
def guarded() -> Iterator[Site]:
    """A site that requires the token."""
    with pytest.MonkeyPatch.context() as patch, redis_server() as redis:
        patch.setenv("API_TOKEN", TOKEN)
        with live_site(redis.url, application="config.asgi:application") as started:
            yield started


@pytest.fixture
def client(guarded: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{guarded.port}", timeout=60) as client:
        yield client


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"]
)
def test_a_change_without_the_token_is_refused(
    client: httpx.Client, method: str, path: str, authorization: str | None
) -> None:
    headers = {} if authorization is None else {b"Authorization": authorization.encode()}
    answer = client.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "forbidden")


def test_a_large_body_without_the_token_is_refused_and_the_answer_can_be_read(client: httpx.Client) -> None:
    answer = client.post("/api/upload", files={"image": ("a.jpg", jpeg() + bytes(8 * 2**20))})
    assert (answer.status_code, answer.json()["code"]) == (401, "forbidden")


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_change_with_the_token_is_accepted(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path, headers=GIVEN)
    assert answer.status_code in (202, 404, 415) or answer.json()["code"].startswith("not_"), answer.text


def test_an_image_is_uploaded_with_the_token(client: httpx.Client) -> None:
    answer = client.post("/api/upload", files={"image": ("a.jpg", jpeg())}, headers=GIVEN)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", OPEN)
def test_reading_needs_no_token(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


async def test_the_socket_takes_the_token_from_its_address_or_its_header(guarded: Site) -> None:
    query = str(httpx.QueryParams(token=TOKEN))
    async with guarded.connect(query=f"?{query}") as connected:
        assert (await frame_of(connected))["type"] == "connected"
    header = {"Authorization": f"Bearer {TOKEN}".encode().decode("latin-1")}
    async with guarded.connect(additional_headers=header) as connected:
        assert (await frame_of(connected))["type"] == "connected"


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token"])
async def test_the_socket_is_closed_with_4401_without_the_token(guarded: Site, query: str) -> None:
    async with guarded.connect(query=query) as connected:
        assert await closing_code(connected) == 4401


def test_without_a_configured_token_every_request_is_accepted() -> None:
    assert is_token(None, "")
    assert is_token("anything", "")
    assert not is_token(None, "set")
    assert not is_token("", "set")


def test_the_scheme_may_be_in_any_case_and_invalid_bytes_are_no_token() -> None:
    assert bearer(b"bearer  a-token ") == "a-token"
    assert bearer(None) is None
    assert not is_token(bearer(b"Bearer \xff\xfe"), "set")
