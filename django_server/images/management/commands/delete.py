"""`manage.py delete`: images by the thousand."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from tqdm import tqdm

from images.deletion import Extent, ImageFilter, delete_in_steps, extent
from images.management.interrupts import stoppable
from images.management.moments import moment


class Command(BaseCommand):
    help = (
        "Delete images that fulfil all that is given. Says how many; --apply deletes them. "
        "Of an archive only the rows go: its files are never touched."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="every image")
        parser.add_argument("--batch", type=UUID, metavar="ID", help="those of this batch")
        parser.add_argument("--collection", metavar="NAME", help="those of this collection")
        parser.add_argument("--before", type=moment, metavar="DATE", help="those uploaded earlier")
        parser.add_argument("--apply", action="store_true", help="Delete. Without it nothing is changed.")

    def handle(self, *_: Any, apply: bool, **options: Any) -> None:
        given = [options[name] for name in ("batch", "collection", "before")]
        if not options["all"] and all(one is None for one in given):
            raise CommandError("Say which images: --all, --batch, --collection or --before.")
        chosen = ImageFilter(*given)
        self._deleted = 0
        try:
            with stoppable(self.stdout.write, self._stopped):
                found = extent(chosen)
                self.stdout.write(_told(found))
                if apply:
                    self._delete(chosen, found.images)
                elif found.images:
                    self.stdout.write("Nothing was changed: this was a dry run. `--apply` deletes them.")
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer as it should: {error}") from error

    def _delete(self, chosen: ImageFilter, total: int) -> None:
        with tqdm(total=total, unit=" images", disable=None, leave=False) as bar:
            for images in delete_in_steps(chosen):
                self._deleted += images
                bar.update(images)
        self.stdout.write(f"Deleted {self._deleted} images.")

    def _stopped(self) -> str:
        return f"Stopped after {self._deleted} images. The same command goes on with the rest."


def _told(found: Extent) -> str:
    archives = f", {found.of_archives} of them in archives, whose files stay" if found.of_archives else ""
    return f"{found.images} images{archives}; {found.byte_size / 1e6:.1f} MB of files go."
