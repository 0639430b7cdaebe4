"""`manage.py delete`: its selectors, its dry run, files of archives, and continuing a stopped run."""

import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from images import deletion
from images.deletion import delete_images
from images.models import Batch, Image, RemovedImage, Thumbnail
from images.processing.worker_loop import process
from tests.support.images.old_images import archived, path_of, uploaded
from tests.support.images.pictures import jpeg, pending_images

pytestmark = pytest.mark.django_db(transaction=True)


def delete(*arguments: str) -> str:
    out = StringIO()
    call_command("delete", *arguments, stdout=out)
    return out.getvalue()


def in_batch(count: int) -> tuple[Batch, list[Image]]:
    batch = Batch.objects.create()
    images = pending_images(*[jpeg()] * count, batch=batch)
    process([image.id for image in images])
    return batch, images


def test_a_selector_is_required() -> None:
    with pytest.raises(CommandError, match="Say which images"):
        delete("--apply")


def test_a_dry_run_prints_images_and_bytes_and_deletes_nothing(stored_keys: Any) -> None:
    images = uploaded(2)
    archived("one.jpg")
    keys = stored_keys()
    byte_size = sum(path_of(key).stat().st_size for key in keys if "/uploads/" in key)
    printed = delete("--all")
    assert printed == (
        f"3 images, 1 of them in archives, whose files stay; {byte_size / 1e6:.1f} MB of files to delete.\n"
        "Nothing was changed: this was a dry run. `--apply` deletes them.\n"
    )
    assert deletion.extent(deletion.ImageFilter()).byte_size == byte_size
    assert (Image.objects.count(), stored_keys()) == (len(images) + 1, keys)


def test_everything_is_deleted_except_files_of_archives(stored_keys: Any) -> None:
    uploaded(2)
    archived("one.jpg")
    of_archive = [key for key in stored_keys() if "/fungi/" in key]
    assert "Deleted 3 images." in delete("--all", "--apply")
    assert (Image.objects.count(), Thumbnail.objects.count()) == (0, 0)
    assert stored_keys() == of_archive
    assert len(of_archive) == 4


def test_a_batch_is_deleted_with_its_images_and_no_other_batch() -> None:
    batch, images = in_batch(2)
    other, _ = in_batch(1)
    delete("--batch", str(batch.id), "--apply")
    assert list(Batch.objects.all()) == [other]
    assert Image.objects.count() == 1
    assert set(RemovedImage.objects.values_list("image_id", flat=True)) == {image.id for image in images}


def test_images_uploaded_before_a_day_are_deleted_and_a_batch_with_other_images_stays() -> None:
    batch, (old, young) = in_batch(2)
    Image.objects.filter(id=old.id).update(uploaded_at=Now() - timedelta(days=3))
    day = (young.uploaded_at - timedelta(days=1)).date()
    delete("--before", day.isoformat(), "--apply")
    assert list(Image.objects.values_list("id", flat=True)) == [young.id]
    assert list(Batch.objects.all()) == [batch]


def test_selectors_narrow_each_other() -> None:
    batch, _ = in_batch(1)
    archived("one.jpg")
    assert delete("--collection", "fungi", "--batch", str(batch.id), "--apply").startswith("0 images")
    assert "1 images" in delete("--collection", "fungi", "--before", "2999-01-01T00:00")
    assert Image.objects.count() == 2


@pytest.mark.parametrize("arguments", [["--before", "yesterday"], ["--batch", "12"]])
def test_an_invalid_date_or_id_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=arguments[1]):
        delete(*arguments, "--apply")


def test_the_next_run_deletes_the_rest_after_a_stopped_one(
    monkeypatch: pytest.MonkeyPatch, stored_keys: Any
) -> None:
    monkeypatch.setattr(deletion, "_STEP_IMAGES", 2)
    in_batch(5)
    delete_step, steps = delete_images, 0

    def stopped_in_the_second(images: Any) -> int:
        nonlocal steps
        steps += 1
        removed = delete_step(images)
        if steps == 2:
            raise KeyboardInterrupt
        return removed

    monkeypatch.setattr(deletion, "delete_images", stopped_in_the_second)
    out = StringIO()
    with pytest.raises(SystemExit, match="130"):
        call_command("delete", "--all", "--apply", stdout=out)
    assert "Stopped after 2 images. Run the same command again to delete the rest." in out.getvalue()
    assert (Image.objects.count(), Batch.objects.count(), len(stored_keys())) == (1, 1, 4)
    monkeypatch.setattr(deletion, "delete_images", delete_step)
    assert "Deleted 1 images." in delete("--all", "--apply")
    assert (Image.objects.count(), Batch.objects.count(), stored_keys()) == (0, 0, [])


def test_an_empty_batch_that_a_killed_run_left_is_deleted_by_the_next() -> None:
    batch = Batch.objects.create(id=uuid.uuid4())
    delete("--batch", str(batch.id), "--apply")
    assert not Batch.objects.exists()
