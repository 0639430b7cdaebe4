"""`manage.py retry`: count failed images by error code, and process them again."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from images.management.command_errors import command_errors
from images.management.date_argument import date_argument
from images.processing.retry_abort import FailedImages, retry_all


class Command(BaseCommand):
    help = (
        "Process the failed images that match all options again; without options all of them. "
        "Reports their number per error code; --apply queues them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--code", metavar="CODE", help="only images with this error code")
        parser.add_argument("--batch", type=UUID, metavar="ID", help="only images of this batch")
        parser.add_argument("--collection", metavar="NAME", help="only images of this collection")
        parser.add_argument(
            "--since", type=date_argument, metavar="DATE", help="only images uploaded at this time or later"
        )
        parser.add_argument("--apply", action="store_true", help="queue them; without it nothing is changed")

    def handle(self, *_: Any, apply: bool, **options: Any) -> None:
        failed = FailedImages(options["code"], options["batch"], options["collection"], options["since"])
        self._queued = 0
        with command_errors(self.stdout.write, self._stopped):
            by_code = failed.count_by_code()
            self.stdout.write(f"{by_code.total()} images failed.")
            for code, number in by_code.most_common():
                self.stdout.write(f"{number:>9}  {code}")
            if apply:
                self._retry(failed, by_code.total())
            elif by_code:
                self.stdout.write("Nothing was changed: this was a dry run. `--apply` processes them again.")

    def _retry(self, failed: FailedImages, total: int) -> None:
        with tqdm(total=total, unit=" images", disable=None, leave=False) as bar:
            for images in retry_all(failed):
                self._queued += images
                bar.update(images)
        self.stdout.write(f"Queued {self._queued} images again.")

    def _stopped(self) -> str:
        return f"Stopped after {self._queued} images. Run the same command again to queue the rest."
