"""`manage.py reconcile`: each difference between storage and rows, its repair, and what stays unchanged."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from filestore.store import StoredFile
from images.models import Image, Thumbnail
from images.reconcile.compare import CannotReconcile, reconcile
from images.reconcile.report import Report
from images.storage import storage
from images.tasks import reconcile as nightly
from images.thumbnail_rules import missing_scales, sizes
from images.thumbnails.generate import generate_in_worker
from tests.support.images.old_images import age_rows, archived, path_of, put, uploaded
from tests.support.images.pictures import jpeg, spooled

pytestmark = pytest.mark.django_db(transaction=True)


def found(report: Report) -> dict[str, int]:
    return {finding.value: count for finding, count in report.found.items() if count}


def orphan_key(id_: uuid.UUID, name: str, kind: str = "thumbnails", collection: str = "uploads") -> str:
    text = str(id_)
    return f"attachments/{collection}/{kind}/{text[:2]}/{text[2:4]}/{name}"


def everything() -> tuple[list[Any], list[Any], set[Path]]:
    files = {path for path in path_of("").rglob("*") if path.is_file()}
    return list(Image.objects.order_by("id").values()), list(Thumbnail.objects.order_by("id").values()), files


def test_without_differences_nothing_is_done() -> None:
    uploaded(3)
    archived("a/one.jpg")
    report = reconcile(apply=True)
    assert (report.files, report.rows, found(report)) == (16, 16, {})
    assert report.is_clean


def test_the_row_of_a_lost_thumbnail_is_deleted_and_the_next_request_generates_it() -> None:
    (image,) = uploaded()
    row = image.thumbnails.get(label="small")
    path_of(row.key).unlink()
    assert found(reconcile(apply=True)) == {"thumbnail_without_file": 1}
    assert sorted(image.thumbnails.values_list("label", flat=True)) == ["large", "medium"]
    _, thumbnails = generate_in_worker(image.id)
    assert path_of(row.key).exists()
    assert not missing_scales(thumbnails, image.source_version)


def test_a_missing_original_is_marked_reported_every_time_and_unmarked_when_it_is_back() -> None:
    (image, _) = uploaded(2)
    away = path_of(image.key).rename(path_of("").parent / "away")
    for _ in range(2):
        assert found(reconcile(apply=True)) == {"original_missing": 1}
        image.refresh_from_db()
        assert image.original_missing
    away.rename(path_of(image.key))
    assert found(reconcile(apply=True)) == {"original_back": 1}
    before = image.version
    image.refresh_from_db()
    assert (image.original_missing, image.version) == (False, before)


def test_a_replaced_original_of_an_archive_makes_its_thumbnails_stale() -> None:
    image = archived("one.jpg")
    path_of(image.key).write_bytes(jpeg(640, 480, "red"))
    assert found(reconcile(apply=True)) == {"original_changed": 1}
    before = image.version
    image.refresh_from_db()
    stored = storage().store.stat(image.key)
    assert (image.source_version, image.byte_size, image.version) == (
        stored.version,
        stored.byte_size,
        before,
    )
    rows = {row["label"]: row for row in image.thumbnails.values()}
    assert set(missing_scales(rows, image.source_version)) == set(sizes())
    assert found(reconcile(apply=True)) == {}


def test_an_uploads_version_is_its_checksum_and_an_unknown_version_is_trusted() -> None:
    (image,) = uploaded()
    os.utime(path_of(image.key))
    unknown = archived("one.jpg")
    Image.objects.filter(id=unknown.id).update(source_version="")
    os.utime(path_of(unknown.key))
    assert found(reconcile(apply=True)) == {}


def test_files_that_a_crashed_worker_left_of_an_upload_are_deleted() -> None:
    (image,) = uploaded()
    gone = uuid.uuid4()
    left = [
        put(orphan_key(image.id, f"{image.id}_77.jpg")),
        put(orphan_key(gone, f"{gone}_240.jpg")),
        put(orphan_key(gone, f"{gone}.png", "originals")),
    ]
    assert found(reconcile(apply=True)) == {"file_without_row": 3}
    assert not any(path_of(key).exists() for key in left)
    assert reconcile(apply=True).is_clean


@pytest.mark.parametrize(
    "key",
    [
        "attachments/fungi/originals/00/01/00010203-0405-4607-8809-0a0b0c0d0e0f.jpg",
        "attachments/fungi/thumbnails/00/01/00010203-0405-4607-8809-0a0b0c0d0e0f_240.jpg",
        "attachments/uploads/thumbnails/00/01/holiday_240.jpg",
        "attachments/uploads/thumbnails/00/02/00010203-0405-4607-8809-0a0b0c0d0e0f_240.jpg",
        "attachments/uploads/thumbnails/00/01/00010203-0405-4607-8809-0a0b0c0d0e0f_0240.jpg",
        "attachments/uploads/thumbnails/00/01/00010203-0405-4607-8809-0a0b0c0d0e0f_240.png",
        "attachments/uploads/thumbnails/00/01/00010203-0405-4607-8809-0a0b0c0d0e0f.jpg",
        "attachments/uploads/originals/00/01/00010203-0405-4607-8809-0A0B0C0D0E0F.jpg",
        "attachments/uploads/originals/00010203-0405-4607-8809-0a0b0c0d0e0f.jpg",
        "attachments/uploads/notes.txt",
        "attachments/readme",
    ],
)
def test_files_of_other_programs_are_counted_and_stay(key: str) -> None:
    archived("one.jpg")
    put(key)
    report = reconcile(apply=True)
    assert found(report) == {"foreign": 1}
    assert path_of(key).exists()
    assert report.is_clean


def test_a_name_that_is_not_utf8_is_printed_escaped() -> None:
    archived("one.jpg")
    name = os.fsdecode(b"caf\xe9\n\x1b[31m.jpg")
    put(f"attachments/fungi/originals/{name}")
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert r"caf\udce9\n\x1b[31m.jpg" in out.getvalue()
    out = StringIO()
    call_command("reconcile", "--json", stdout=out)
    assert json.loads(out.getvalue())["foreign"] == 1


def test_rows_and_files_younger_than_an_hour_are_left_alone() -> None:
    (image,) = uploaded()
    path_of(image.thumbnails.get(label="small").key).unlink()
    path_of(image.key).unlink()
    image.thumbnails.update(generated_at=Now() - timedelta(minutes=59))
    Image.objects.update(changed_at=Now() - timedelta(minutes=59))
    put(orphan_key(image.id, f"{image.id}_77.jpg"), old=False)
    before = everything()
    assert found(reconcile(apply=True)) == {}
    assert everything() == before


def reconciled(*options: str) -> list[str]:
    """The lines that the command prints."""
    out = StringIO()
    call_command("reconcile", *options, stdout=out)
    return out.getvalue().splitlines()


def test_young_differences_are_counted_and_not_called_equal() -> None:
    (image,) = uploaded()
    path_of(image.thumbnails.get(label="small").key).unlink()
    path_of(image.key).unlink()
    image.thumbnails.update(generated_at=Now() - timedelta(minutes=59))
    Image.objects.update(changed_at=Now() - timedelta(minutes=59))
    put(orphan_key(image.id, f"{image.id}_77.jpg"), old=False)
    assert reconciled("--apply") == [
        "Checked: 3 files, 4 rows.",
        "Passed over: 3 files or rows that differ and are younger than 60 minutes or in use. "
        "Compare again later; `--older-than MINUTES` changes the age.",
        "All other files and rows agree.",
    ]
    assert json.loads(reconciled("--json")[0])["passed_over"] == {
        "thumbnail_without_file": 1,
        "original_missing": 1,
        "original_back": 0,
        "original_changed": 0,
        "file_without_row": 1,
    }
    assert reconciled("--quiet") == []


def test_a_younger_age_can_be_asked_for() -> None:
    (image,) = uploaded()
    path_of(image.thumbnails.get(label="small").key).unlink()
    image.thumbnails.update(generated_at=Now() - timedelta(minutes=10))
    key = put(orphan_key(image.id, f"{image.id}_77.jpg"), old=False)
    lines = reconciled("--apply", "--older-than", "5")
    assert "Thumbnail rows without a file: 1, deleted; the thumbnails are generated on request." in lines
    assert any(line.startswith("Passed over: 1 files or rows") for line in lines)
    assert path_of(key).exists()
    assert "Uploaded files without a row: 1, deleted." in reconciled("--apply", "--older-than", "0")
    assert reconciled() == ["Checked: 3 files, 3 rows.", "Storage and rows agree."]


@pytest.mark.parametrize("age", ["-1", "an hour", "1h", "44641", "1.5"])
def test_another_age_is_refused_with_the_option(age: str) -> None:
    with pytest.raises(
        CommandError, match=r"--older-than: .* is not a whole number of minutes from 0 to 44640"
    ):
        call_command("reconcile", f"--older-than={age}")


def test_differences_in_use_are_counted() -> None:
    (image,) = uploaded()
    Image.objects.update(
        status="processing", claim=uuid.uuid4(), lease_until=Now() + timedelta(minutes=1), finished_at=None
    )
    put(orphan_key(image.id, f"{image.id}_77.jpg"))
    assert reconcile(apply=True).passed_over.total() == 1


def test_a_file_whose_request_is_about_to_commit_its_row_is_left_alone() -> None:
    uploaded()
    file = spooled(jpeg())
    key = put(orphan_key(file.id, f"{file.id}.jpg", "originals"))
    assert found(reconcile(apply=True)) == {}
    file.delete()
    assert found(reconcile(apply=True)) == {"file_without_row": 1}
    assert not path_of(key).exists()


@pytest.mark.parametrize("claimed_by", ["processing", "generating thumbnails"])
def test_a_file_of_a_claimed_image_is_left_alone(claimed_by: str) -> None:
    (image,) = uploaded()
    lease = Now() + timedelta(minutes=1)
    if claimed_by == "processing":
        Image.objects.update(status="processing", claim=uuid.uuid4(), lease_until=lease, finished_at=None)
    else:
        Image.objects.update(thumbs_claim=uuid.uuid4(), thumbs_lease_until=lease)
    key = put(orphan_key(image.id, f"{image.id}_77.jpg"))
    assert found(reconcile(apply=True)) == {}
    assert path_of(key).exists()


def test_a_dry_run_reports_all_findings_and_changes_nothing(capsys: Any) -> None:
    first, second = uploaded(2)
    changed = archived("one.jpg")
    os.utime(path_of(changed.key))
    path_of(first.key).unlink()
    path_of(second.thumbnails.get(label="small").key).unlink()
    put(orphan_key(first.id, f"{first.id}_77.jpg"))
    put("attachments/fungi/originals/stranger.jpg")
    before = everything()
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert everything() == before
    output = out.getvalue()
    for sentence in (
        "Checked: 12 files, 12 rows.",
        "Thumbnail rows without a file: 1, would be deleted.",
        "Replaced originals of archives: 1, would be updated.",
        "Uploaded files without a row: 1, would be deleted.",
        "Images without their original: 1, cannot be repaired, would be marked as missing.",
        "Files not stored by this server: 1, left alone.",
        f"  {first.key}\n",
        "this was a dry run",
    ):
        assert sentence in output
    assert capsys.readouterr().err == ""


def test_json_output_is_one_object() -> None:
    (image,) = uploaded()
    path_of(image.thumbnails.get(label="small").key).unlink()
    out = StringIO()
    call_command("reconcile", "--apply", "--json", stdout=out)
    output = json.loads(out.getvalue())
    assert output["repaired"] == {
        "thumbnail_without_file": 1,
        "original_back": 0,
        "original_changed": 0,
        "file_without_row": 0,
    }
    assert output["checked"] == {"files": 3, "rows": 4}
    assert (output["applied"], output["finished"], output["unrepairable"]) == (
        True,
        True,
        {"original_missing": 0},
    )


def test_quiet_prints_nothing_without_differences() -> None:
    uploaded()
    out = StringIO()
    call_command("reconcile", "--quiet", stdout=out)
    assert out.getvalue() == ""


def test_the_first_twenty_keys_are_shown() -> None:
    archived("one.jpg")
    for number in range(30):
        put(f"attachments/fungi/originals/{number}.jpg")
    lines = list(reconcile(apply=False).lines())
    assert lines[1] == "Files not stored by this server: 30, left alone."
    assert len([line for line in lines if line.startswith("  attachments/")]) == 20
    assert "  and 10 more" in lines


def test_only_the_named_collections_are_compared() -> None:
    (image,) = uploaded()
    of_archive = archived("one.jpg")
    other = archived("one.jpg", "fungi-2")
    for one in (image, of_archive, other):
        path_of(one.thumbnails.get(label="small").key).unlink()
    report = reconcile(["fungi-2", "uploads"], apply=True)
    assert (found(report), report.rows) == ({"thumbnail_without_file": 2}, 8)
    assert of_archive.thumbnails.count() == 3
    with pytest.raises(CommandError, match="is not the name of a collection"):
        call_command("reconcile", "--collection", "../fungi")


def test_an_empty_storage_counts_as_unmounted_and_deletes_no_row() -> None:
    uploaded(2)
    path_of("").rename(path_of("").with_name("unmounted"))
    before = everything()
    with pytest.raises(CommandError, match="Is the volume mounted"):
        call_command("reconcile", "--apply")
    assert everything() == before


def test_an_archive_whose_volume_is_not_mounted_keeps_its_rows_while_the_others_are_repaired() -> None:
    (image,) = uploaded()
    archived("one.jpg")
    shutil.rmtree(path_of("attachments/fungi"))
    path_of(image.thumbnails.get(label="small").key).unlink()
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("reconcile", "--apply", stdout=out)
    assert "no file of the collection fungi" in out.getvalue()
    assert Thumbnail.objects.count() == 5
    assert not Image.objects.filter(original_missing=True).exists()


def test_an_empty_site_has_nothing_to_reconcile() -> None:
    assert reconcile(apply=True).is_clean


def test_an_unavailable_storage_ends_the_run_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded()

    def away(*_: object) -> Iterator[StoredFile]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filestore.local.LocalStore.list", away)
    with pytest.raises(CannotReconcile, match="The storage does not respond"):
        reconcile(apply=True)


def test_a_row_inserted_during_the_listing_is_not_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded()
    listing = list(storage().store.list("attachments"))
    inserted = uploaded(2)
    monkeypatch.setattr("filestore.local.LocalStore.list", lambda *_: iter(listing))
    report = reconcile(apply=True)
    assert (report.files, report.rows, found(report)) == (4, 12, {})
    assert Image.objects.filter(id__in=[image.id for image in inserted], original_missing=False).count() == 2


def test_a_file_deleted_with_its_row_during_the_listing_is_not_a_finding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from images.deletion import delete_images

    keep, deleted = uploaded(2)
    listing = list(storage().store.list("attachments"))
    delete_images(Image.objects.filter(id=deleted.id))
    monkeypatch.setattr("filestore.local.LocalStore.list", lambda *_: iter(listing))
    assert found(reconcile(apply=True)) == {}
    assert path_of(keep.key).exists()


def test_two_labels_of_one_scale_share_a_file(settings: Any) -> None:
    settings.THUMBNAILS = {**settings.THUMBNAILS, "SIZES": {"small": 100, "tiny": 100}}
    (image,) = uploaded()
    assert reconcile(apply=True).rows == 3
    path_of(image.thumbnails.get(label="tiny").key).unlink()
    assert found(reconcile(apply=True)) == {"thumbnail_without_file": 2}
    assert not image.thumbnails.exists()


def test_a_stopped_run_reports_that_it_is_incomplete() -> None:
    (image,) = uploaded()
    path_of(image.key).unlink()
    report = reconcile(apply=True, stop=lambda: True)
    assert (report.finished, report.is_clean, found(report)) == (False, False, {})
    assert "Stopped before the end; the next run compares everything again." in report.lines()


def test_ctrl_c_prints_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("images.reconcile.compare.findings_of", interrupted)
    out = StringIO()
    with pytest.raises(SystemExit, match="130"):
        call_command("reconcile", stdout=out)
    assert out.getvalue().startswith("Stopped.")


def test_the_nightly_task_repairs() -> None:
    (image,) = uploaded()
    path_of(image.thumbnails.get(label="small").key).unlink()
    key = put(orphan_key(image.id, f"{image.id}_77.jpg"))
    nightly()
    assert image.thumbnails.count() == 2
    assert not path_of(key).exists()


def test_the_nightly_task_logs_an_unavailable_storage(caplog: Any) -> None:
    uploaded()
    path_of("").rename(path_of("").with_name("unmounted"))
    nightly()
    assert "could not be reconciled" in caplog.text
    assert "Traceback" not in caplog.text


def test_rows_of_another_key_prefix_are_not_compared(settings: Any) -> None:
    uploaded()
    settings.KEY_PREFIX = "elsewhere"
    age_rows()
    assert reconcile(apply=True).rows == 0
    assert Thumbnail.objects.count() == 3
