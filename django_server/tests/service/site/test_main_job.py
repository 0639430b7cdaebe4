"""The main use from outside: uploads over HTTP, and live events with thumbnail URLs, on both kinds of site."""

import json
import time
import uuid
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.support.images.pictures import broken_jpeg, jpeg
from tests.support.sites.running_site import RunningSite

FINAL = {"completed", "error", "aborted"}


def files(number: int, content: bytes | None = None) -> list[tuple[str, tuple[str, bytes]]]:
    return [("images", (f"{index}.jpg", content or jpeg(1200, 800))) for index in range(number)]


def events_until_all_final(
    socket: ClientConnection, ids: set[str], seconds: float = 60
) -> dict[str, list[dict[str, Any]]]:
    """The events of each of `ids`, in order of version, once the last event of each is final."""
    received: dict[str, list[dict[str, Any]]] = {id_: [] for id_ in ids}
    deadline = time.monotonic() + seconds
    while any(not events or events[-1]["status"] not in FINAL for events in received.values()):
        frame = json.loads(socket.recv(timeout=deadline - time.monotonic()))
        if frame["type"] == "send_upload_notification" and frame["job_id"] in received:
            received[frame["job_id"]].append(frame)
            received[frame["job_id"]].sort(key=lambda event: event["version"])
    return received


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/async/upload", "Images upload initiated"),
        ("/api/async/batch/upload", "Batch upload of 5 images initiated"),
    ],
)
def test_many_images_are_accepted_at_once_and_published_live_with_urls_that_work(
    site: RunningSite, path: str, message: str
) -> None:
    with connect(site.websocket_url) as socket, site.client() as client:
        assert json.loads(socket.recv())["type"] == "connected"
        answer = client.post(path, files=files(5))
        assert answer.status_code == 202
        assert answer.json()["message"] == message
        jobs = answer.json()["jobs"]
        assert [job["index"] for job in jobs] == [0, 1, 2, 3, 4]
        received = events_until_all_final(socket, {job["job_id"] for job in jobs})
        for events in received.values():
            assert events[-1]["status"] == "completed"
            for url in events[-1]["thumbnails"].values():
                thumbnail = client.get(url)
                assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/jpeg")
        listed = client.get("/api/list", params={"batch": answer.json()["batch_id"]}).json()
        assert {image["status"] for image in listed} == {"completed"}


def test_one_image_is_processed_before_the_response_and_published_too(site: RunningSite) -> None:
    with connect(site.websocket_url) as socket, site.client() as client:
        socket.recv()
        answer = client.post("/api/upload", files={"image": ("a.jpg", jpeg(1200, 800))})
        assert (answer.status_code, answer.json()["message"]) == (200, "Image uploaded successfully")
        image = answer.json()["image"]
        received = events_until_all_final(socket, {image["id"]})
        assert [events["status"] for events in received[image["id"]]] == ["processing", "completed"]
        assert client.get(image["original"]).content == jpeg(1200, 800)


def test_pending_processing_and_final_status_of_every_job_are_published(site: RunningSite) -> None:
    with connect(site.websocket_url) as socket, site.client() as client:
        jobs = client.post("/api/async/batch/upload", files=files(8)).json()["jobs"]
        received = events_until_all_final(socket, {job["job_id"] for job in jobs})
        time.sleep(0.5)
        for events in received.values():
            assert {frame["version"] for frame in events} == {1, 2, 3}


def test_a_damaged_image_among_good_ones_becomes_error_and_is_published(site: RunningSite) -> None:
    good_and_bad = [("images", ("good.jpg", jpeg())), ("images", ("bad.jpg", broken_jpeg()))]
    with connect(site.websocket_url) as socket, site.client() as client:
        jobs = client.post("/api/async/batch/upload", files=good_and_bad).json()["jobs"]
        received = events_until_all_final(socket, {job["job_id"] for job in jobs})
        final_states = {
            events[-1]["name"]: (events[-1]["status"], (events[-1]["error"] or {}).get("code"))
            for events in received.values()
        }
        assert final_states == {"good.jpg": ("completed", None), "bad.jpg": ("error", "corrupt_image")}


def test_a_batch_subscriber_gets_the_snapshot_and_then_the_events(site: RunningSite) -> None:
    batch = str(uuid.uuid4())
    with site.client() as client, connect(site.websocket_url) as socket:
        client.post("/api/async/batch/upload", params={"batch": batch}, files=files(6))
        socket.send(json.dumps({"type": "subscribe", "batch_id": batch, "coalesce": True}))
        state: dict[str, tuple[int, str]] = {}
        while len(state) < 6 or any(status not in FINAL for _, status in state.values()):
            frame = json.loads(socket.recv(timeout=30))
            for image in frame.get("images", [frame] if "job_id" in frame else []):
                if image["batch_id"] == batch:
                    state[image["job_id"]] = max(
                        state.get(image["job_id"], (0, "")), (image["version"], image["status"])
                    )
        assert {status for _, status in state.values()} == {"completed"}


def test_a_deletion_is_published_and_the_files_are_deleted(site: RunningSite) -> None:
    with connect(site.websocket_url) as socket, site.client() as client:
        image = client.post("/api/upload", files={"image": ("a.jpg", jpeg())}).json()["image"]
        assert client.delete(f"/api/images/{image['id']}").status_code == 204
        while (frame := json.loads(socket.recv(timeout=10)))["type"] != "removed" or frame["job_id"] != image[
            "id"
        ]:
            pass
        assert frame["version"] == image["version"] + 1
        assert client.get(image["original"]).status_code == 404


def test_all_worker_processes_share_one_batch(postgres_site: RunningSite) -> None:
    with postgres_site.client() as client:
        batch = client.post("/api/async/batch/upload", files=files(40, jpeg(3000, 2000))).json()["batch_id"]
        most_processing = 0
        while not (state := client.get(f"/api/batches/{batch}").json())["final"]:
            most_processing = max(most_processing, state["counts"].get("processing", 0))
            time.sleep(0.02)
    # Two chunks of 16 are under way at once on two cores.
    assert most_processing > 16
    assert state["counts"] == {"completed": 40}


def test_the_site_reports_its_readiness_its_limits_and_its_openapi_document(site: RunningSite) -> None:
    with site.client() as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert set(client.get("/readyz").json()["checks"].values()) == {"ok"}
        assert client.get("/api/limits").json()["labels"] == {"small": 240, "medium": 1024, "large": 1500}
        assert "/api/async/batch/upload" in client.get("/api/openapi.json").json()["paths"]


def test_the_documentation_requests_no_other_host(site: RunningSite) -> None:
    with site.client() as client:
        html = client.get("/api/docs").text
        assert "://" not in html.replace(site.url, "")
        for path in [part.split('"')[0] for part in html.split('"/static/')[1:]]:
            assert client.get(f"/static/{path}").status_code == 200


def test_media_is_served_with_harmless_headers(site: RunningSite) -> None:
    with site.client() as client:
        image = client.post("/api/upload", files={"image": ("a.jpg", jpeg())}).json()["image"]
        for url in (image["original"], image["image"]):
            headers = client.get(url).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert "immutable" in headers["cache-control"]
        part = client.get(image["original"], headers={"Range": "bytes=0-9"})
        assert (part.status_code, len(part.content)) == (206, 10)


def test_a_page_of_another_site_can_change_nothing_and_a_program_can(site: RunningSite) -> None:
    picture = {"image": ("a.jpg", jpeg())}
    with site.client() as client:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            answer = client.post("/api/upload", files=picture, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_origin")
        assert client.post("/api/upload", files=picture, headers={"Origin": site.url}).status_code == 200
        assert client.post("/api/upload", files=picture).status_code == 200


def test_nothing_is_left_in_the_spool(site: RunningSite) -> None:
    assert list((site.data_dir / "incoming").iterdir()) == []


def test_the_admin_lists_images_with_their_hostile_names_escaped(embedded_site: RunningSite) -> None:
    hostile = '<img src=x onerror="alert(1)">.jpg'
    administrator = {"USERNAME": "admin", "PASSWORD": "a long password", "EMAIL": "admin@example.com"}
    environment = {f"DJANGO_SUPERUSER_{name}": value for name, value in administrator.items()}
    embedded_site.manage("createsuperuser", "--noinput", environment=environment)
    with embedded_site.client() as client:
        client.post("/api/upload", files={"image": (hostile, jpeg())})
        client.get("/admin/login/")
        form = {"username": "admin", "password": "a long password"}
        headers = {"X-CSRFToken": client.cookies["csrftoken"]}
        assert client.post("/admin/login/?next=/admin/", data=form, headers=headers).status_code == 302
        for view in ("image", "batch", "thumbnail"):
            page = client.get(f"/admin/images/{view}/")
            assert page.status_code == 200
            assert "<img src=x" not in page.text
        assert "&lt;img src=x onerror=" in client.get("/admin/images/image/").text
        assert client.get("/static/admin/css/base.css").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/gallery",
        "/images/9f30f1ff-15f5-4ca1-9824-708c24f4c222",
        "/batches/a2f88f47-b036-4bb4-8746-5a265ff17733",
    ],
)
def test_every_view_of_the_page_can_be_opened_by_its_address(embedded_site: RunningSite, path: str) -> None:
    with embedded_site.client() as client:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        asset = answer.text.partition('src="')[2].partition('"')[0]
        assert client.get(asset).headers["cache-control"] == "public, max-age=31536000, immutable"
