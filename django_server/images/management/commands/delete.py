"""`manage.py delete`: delete images, in small transactions."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from images.deletion import Extent, ImageFilter, delete_in_steps, extent
from images.management.command_errors import command_errors
from images.management.date_argument import date_argument


class Command(BaseCommand):
    help = (
        "Delete the images that match all options, with their files. Reports their number; --apply deletes them. "
        "For archive images only the database rows are deleted: the files stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="every image")
        parser.add_argument("--batch", type=UUID, metavar="ID", help="only images of this batch")
        parser.add_argument("--collection", metavar="NAME", help="only images of this collection")
        parser.add_argument(
            "--before", type=date_argument, metavar="DATE", help="only images uploaded before this time"
        )
        parser.add_argument("--apply", action="store_true", help="delete; without it nothing is changed")

    def handle(self, *_: Any, apply: bool, **options: Any) -> None:
        filters = [options[name] for name in ("batch", "collection", "before")]
        if not options["all"] and all(value is None for value in filters):
            raise CommandError("Say which images: --all, --batch, --collection or --before.")
        chosen = ImageFilter(*filters)
        self._deleted = 0
        with command_errors(self.stdout.write, self._stopped):
            total = extent(chosen)
            self.stdout.write(_summary(total))
            if apply:
                self._delete(chosen, total.images)
            elif total.images:
                self.stdout.write("Nothing was changed: this was a dry run. `--apply` deletes them.")

    def _delete(self, chosen: ImageFilter, total: int) -> None:
        with tqdm(total=total, unit=" images", disable=None, leave=False) as bar:
            for images in delete_in_steps(chosen):
                self._deleted += images
                bar.update(images)
        self.stdout.write(f"Deleted {self._deleted} images.")

    def _stopped(self) -> str:
        return f"Stopped after {self._deleted} images. Run the same command again to delete the rest."


def _summary(total: Extent) -> str:
    archives = f", {total.of_archives} of them in archives, whose files stay" if total.of_archives else ""
    return f"{total.images} images{archives}; {total.byte_size / 1e6:.1f} MB of files to delete."
