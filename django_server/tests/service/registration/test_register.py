"""A manifest is registered as rows: idempotently, in bounded memory, only for the configured storage."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from filestore.local import LocalStore
from images.deletion import delete_images
from images.live.replays import changes_since
from images.models import Image, RemovedImage, Thumbnail
from images.registration.manifest_rows import is_same_source
from images.registration.register import register
from tests.support.images.completed_images import stored_file
from tests.support.images.pictures import jpeg
from tests.support.images.statement_count import statements
from tests.support.processes.site_environment import site_environment
from tests.support.sites.started_site import SERVER_ROOT

pytestmark = pytest.mark.django_db(transaction=True)

Files = Mapping[str, bytes]


def store(files: Files) -> None:
    for key, content in files.items():
        path = Path(current.MEDIA_ROOT) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def iso(modified_ns: int) -> str:
    microseconds = modified_ns // 1000
    moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
    return moment.replace(microsecond=microseconds % 1_000_000).isoformat()


def record(name: str, *scales: int, collection: str = "fungi", **changes: Any) -> dict[str, Any]:
    """The manifest's record of an existing original with existing thumbnails."""
    base = f"attachments/{collection}"
    found = LocalStore(Path(current.MEDIA_ROOT)).stat(f"{base}/originals/{name}")
    stem, _, extension = name.rpartition(".")
    thumbnails = {}
    for scale in scales:
        key = f"{base}/thumbnails/{stem}_{scale}.{extension}"
        stored = LocalStore(Path(current.MEDIA_ROOT)).stat(key)
        thumbnails[str(scale)] = {
            "scale": scale, "key": key, "size": stored.byte_size, "modified": iso(stored.modified_ns),
        }  # fmt: skip
    return {
        "original_key": found.key,
        "original_size": found.byte_size,
        "original_modified": iso(found.modified_ns),
        "base_thumbnail_key": f"{base}/thumbnails/{name}",
        "collection": collection,
        "filename": name.rpartition("/")[2],
        "thumbnails": thumbnails,
        **changes,
    }


def manifest_of(*records: dict[str, Any], **changes: Any) -> Path:
    path = Path(current.DATA_DIR) / "manifest.json"
    head: dict[str, Any] = {
        "created_at": "2026-03-04T05:06:07.890123",
        "storage_type": "local",
        "s3_endpoint": None,
        "s3_bucket": None,
        "s3_prefix": "attachments",
        "local_root": str(current.MEDIA_ROOT),
        "collections": ["fungi"],
        "collection_stats": {},
    }
    path.write_text(json.dumps({**head, **changes, "records": records, "scan_duration_seconds": 1.25}))
    return path


def original(name: str, collection: str = "fungi") -> str:
    return f"attachments/{collection}/originals/{name}"


def thumbnail(name: str, collection: str = "fungi") -> str:
    return f"attachments/{collection}/thumbnails/{name}"


def two_originals() -> list[dict[str, Any]]:
    """One with a thumbnail of the label small, one without."""
    store({original("0a/1b/a.jpg"): jpeg(640, 400), original("b.png"): jpeg(640, 400)})
    store({thumbnail("0a/1b/a_240.jpg"): jpeg(240, 150)})
    return [record("0a/1b/a.jpg", 240), record("b.png")]


def test_the_gallery_shows_an_archive_with_its_existing_thumbnails() -> None:
    tally = register(manifest_of(*two_originals()))
    assert (tally.new, tally.thumbnails) == (2, 1)
    shown = {image["name"]: image for image in Client().get("/api/list").json()}
    assert sorted(shown) == ["a.jpg", "b.png"]
    image = shown["a.jpg"]
    assert (image["status"], image["collection"], image["type"]) == ("completed", "fungi", "image/jpeg")
    assert (image["width"], image["height"], image["batch_id"]) == (None, None, None)
    assert stored_file(image["thumbnails"]["small"]).name == "a_240.jpg"
    assert stored_file(image["original"]).name == "a.jpg"
    modified = (Path(current.MEDIA_ROOT) / original("0a/1b/a.jpg")).stat().st_mtime
    assert datetime.fromisoformat(image["uploaded_at"]).timestamp() == pytest.approx(modified, abs=0.001)
    assert image["thumbnails"]["large"].startswith("/api/thumbnails/")
    assert Client().get(image["thumbnails"]["large"]).status_code == 302


def test_a_second_run_writes_nothing_and_takes_few_statements() -> None:
    manifest = manifest_of(*two_originals())
    register(manifest)
    before = list(Image.objects.order_by("id").values()), list(Thumbnail.objects.values())
    with CaptureQueriesContext(connection) as captured:
        tally = register(manifest)
    assert (tally.new, tally.changed, tally.unchanged, tally.thumbnails) == (0, 0, 2, 0)
    assert not [one for one in statements(captured) if not one.startswith("SELECT")]
    assert (list(Image.objects.order_by("id").values()), list(Thumbnail.objects.values())) == before


def test_a_changed_original_makes_its_thumbnails_stale() -> None:
    register(manifest_of(*two_originals()))
    small = Client().get("/api/list", {"q": "a.jpg"}).json()[0]["thumbnails"]["small"]
    assert small.startswith("/media/")
    store({original("0a/1b/a.jpg"): jpeg(800, 400, "red")})
    later = Path(current.MEDIA_ROOT) / original("0a/1b/a.jpg")
    os.utime(later, ns=(0, 2_000_000_000 * 10**9))
    tally = register(manifest_of(record("0a/1b/a.jpg", 240), record("b.png")))
    assert (tally.changed, tally.unchanged, tally.thumbnails) == (1, 1, 0)
    (image,) = Client().get("/api/list", {"q": "a.jpg"}).json()
    assert image["thumbnails"]["small"].startswith("/api/")
    assert image["size"] == later.stat().st_size


def test_a_thumbnail_older_than_its_original_is_not_shown() -> None:
    records = two_originals()
    thumbnails = records[0]["thumbnails"]
    thumbnails["240"]["modified"] = "2001-01-01T00:00:00+00:00"
    assert register(manifest_of(*records)).thumbnails == 0


def test_a_thumbnail_of_the_app_is_not_replaced_by_the_manifests() -> None:
    two_originals()
    register(manifest_of(record("0a/1b/a.jpg"), record("b.png")))
    image = Image.objects.get(name="a.jpg")
    assert Client().get(f"/api/thumbnails/{image.id}").status_code == 302
    made = list(Thumbnail.objects.values())
    assert register(manifest_of(record("0a/1b/a.jpg", 240), record("b.png"))).thumbnails == 0
    assert list(Thumbnail.objects.values()) == made


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"local_root": "/somewhere/else"}, "MEDIA_ROOT"),
        ({"s3_prefix": "other"}, "KEY_PREFIX"),
        ({"storage_type": "s3", "s3_bucket": "photos", "local_root": None}, "S3_BUCKET"),
    ],
)
def test_a_manifest_of_another_storage_is_refused_naming_the_setting(
    changes: dict[str, Any], setting: str
) -> None:
    manifest = manifest_of(*two_originals(), **changes)
    with pytest.raises(CommandError, match=rf"set {setting} to the [\w ]+ of the manifest"):
        call_command("register", str(manifest))
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"original_key": "attachments/fungi/originals/../../../etc/a.jpg"}, "leads out"),
        ({"original_key": "/etc/fungi/originals/a.jpg"}, "leads out"),
        ({"original_key": "other/fungi/originals/0a/1b/a.jpg"}, "is not below attachments/"),
        (
            {"original_key": "attachments/uploads/originals/0a/1b/a.jpg", "collection": "uploads"},
            "own uploads",
        ),
        ({"original_key": f"attachments/fungi/originals/{'x' * 1100}/a.jpg"}, "too long"),
        ({"original_size": "many"}, "A field of the record is missing or invalid."),
    ],
)
def test_an_invalid_record_is_reported_and_the_others_are_registered(
    changes: dict[str, Any], reason: str
) -> None:
    good, other = two_originals()
    output = io.StringIO()
    call_command("register", str(manifest_of({**good, **changes}, other)), stdout=output)
    assert Image.objects.count() == 1
    assert "1 not registered" in output.getvalue()
    assert reason in output.getvalue()


def test_a_thumbnail_key_outside_the_collection_is_not_shown() -> None:
    good, other = two_originals()
    for key in (
        "../../secret_240.jpg",
        "attachments/other/thumbnails/a_240.jpg",
        original("b.png"),
        "/a_240.jpg",
    ):
        good["thumbnails"]["240"]["key"] = key
        assert register(manifest_of(good, other)).thumbnails == 0, key


def test_a_truncated_manifest_is_refused_with_a_sentence(tmp_path: Path) -> None:
    manifest = manifest_of(*two_originals())
    manifest.write_text(manifest.read_text()[:-200])
    with pytest.raises(CommandError):
        call_command("register", str(manifest))
    with pytest.raises(CommandError):
        call_command("register", str(tmp_path / "nowhere.json"))


def test_a_dry_run_and_one_collection() -> None:
    store({original("c.jpg", "moss"): jpeg(64, 40)})
    manifest = manifest_of(*two_originals(), record("c.jpg", collection="moss"))
    output = io.StringIO()
    call_command("register", str(manifest), "--dry-run", stdout=output)
    assert output.getvalue().startswith("3 new, 0 changed, 0 unchanged; 1 thumbnails found.")
    assert not Image.objects.exists()
    call_command(
        "register", str(manifest), "--collection", "moss", "--json", stdout=(output := io.StringIO())
    )
    assert json.loads(output.getvalue())["new"] == 1
    assert [image["name"] for image in Client().get("/api/list").json()] == ["c.jpg"]


def test_an_archive_that_was_deleted_and_registered_again_can_be_deleted_again() -> None:
    manifest = manifest_of(*two_originals())
    for _ in range(2):
        assert register(manifest).new == 2
        assert delete_images(Image.objects.all()) == 2
        notes = RemovedImage.objects.values_list("version", "announced", "files_deleted", "keys")
        assert list(notes) == [(2, True, True, [])] * 2


def test_reconnecting_clients_get_no_events_of_an_archive() -> None:
    two_originals()
    for name in ("0a/1b/a.jpg", "b.png"):
        os.utime(Path(current.MEDIA_ROOT) / original(name), (1_700_000_000, 1_700_000_000))
    moment = datetime.now(UTC)
    register(manifest_of(record("0a/1b/a.jpg", 240), record("b.png")))
    assert Image.objects.count() == 2
    assert [items for items in changes_since(moment) if items] == []


_PEAK = """
import resource, sys
from pathlib import Path
import django
django.setup()
from images.registration.register import register
register(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
register(Path(sys.argv[2]))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_the_memory_of_a_run_does_not_grow_with_the_archive() -> None:
    (good, _) = two_originals()
    grown = []
    for number in (3_000, 30_000):
        path = manifest_of(
            *(
                {
                    **good,
                    "original_key": original(f"{n:06d}.jpg"),
                    "filename": f"{n:06d}.jpg",
                    "thumbnails": {},
                }
                for n in range(number)
            )
        )
        grown.append(path.rename(path.with_name(f"{number}.json")))
    environment = {**site_environment(), "MEDIA_ROOT": str(current.MEDIA_ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *map(str, grown)],
        cwd=SERVER_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Image.objects.count() == 30_000
    assert int(done.stdout) <= 10


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("5@1000", "5@1001", True),
        ("5@1000", "5@1003", False),
        ("6@1000", "5@1000", False),
        ("etag:a", "etag:a", True),
        ("etag:a", "etag:b", False),
        ("etag:a", "5@1000", False),
    ],
)
def test_two_versions_name_the_same_bytes(one: str, other: str, same: bool) -> None:
    assert is_same_source(one, other) is same
    assert is_same_source(other, one) is same
