"""`manage.py retry`: what failed, by reason, and all of it once more."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from tqdm import tqdm

from images.management.interrupts import stoppable
from images.management.moments import moment
from images.processing.retry_abort import FailedImages, retry_all


class Command(BaseCommand):
    help = (
        "Process failed images that fulfil all that is given once more; by default all of them. "
        "Says how many there are of each reason; --apply queues them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--code", metavar="CODE", help="those that failed for this reason")
        parser.add_argument("--batch", type=UUID, metavar="ID", help="those of this batch")
        parser.add_argument("--collection", metavar="NAME", help="those of this collection")
        parser.add_argument("--since", type=moment, metavar="DATE", help="those uploaded since")
        parser.add_argument("--apply", action="store_true", help="Queue them. Without it nothing is changed.")

    def handle(self, *_: Any, apply: bool, **options: Any) -> None:
        failed = FailedImages(options["code"], options["batch"], options["collection"], options["since"])
        self._queued = 0
        try:
            with stoppable(self.stdout.write, self._stopped):
                by_code = failed.count_by_code()
                self.stdout.write(f"{by_code.total()} images failed.")
                for code, number in by_code.most_common():
                    self.stdout.write(f"{number:>9}  {code}")
                if apply:
                    self._retry(failed, by_code.total())
                elif by_code:
                    self.stdout.write(
                        "Nothing was changed: this was a dry run. `--apply` processes them once more."
                    )
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer as it should: {error}") from error

    def _retry(self, failed: FailedImages, total: int) -> None:
        with tqdm(total=total, unit=" images", disable=None, leave=False) as bar:
            for images in retry_all(failed):
                self._queued += images
                bar.update(images)
        self.stdout.write(f"Queued {self._queued} images once more.")

    def _stopped(self) -> str:
        return f"Stopped after {self._queued} images. The same command goes on with the rest."
