"""`manage.py thumbnails`: queue the images with missing or stale thumbnails for the workers."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from images.management.command_errors import command_errors
from images.management.date_argument import date_argument
from images.thumbnails.backfill import QueueUnavailable, Selection, chunks, enqueue_chunks, find_candidates


class Command(BaseCommand):
    help = (
        "Generate the missing and stale thumbnails of images, in the workers, with lower priority than uploads. "
        "A second run continues where the first one stopped: no thumbnail is generated twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--collection",
            action="append",
            default=[],
            metavar="NAME",
            help="only this collection; repeatable",
        )
        parser.add_argument(
            "--after", type=date_argument, metavar="DATE", help="only images uploaded at this time or later"
        )
        parser.add_argument(
            "--before", type=date_argument, metavar="DATE", help="only images uploaded before this time"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="also generate valid thumbnails again, including those of archives",
        )
        parser.add_argument(
            "--made-before",
            type=date_argument,
            metavar="DATE",
            help="with --force: only thumbnails generated before this time",
        )
        parser.add_argument("--limit", type=int, metavar="N", help="queue at most N images")
        parser.add_argument("--dry-run", action="store_true", help="only count the images")

    def handle(self, *_: Any, dry_run: bool, force: bool, **options: Any) -> None:
        if options["made_before"] and not force:
            raise CommandError("--made-before limits --force: give both options.")
        selection = Selection(
            collections=options["collection"],
            uploaded_after=options["after"],
            uploaded_before=options["before"],
            limit=options["limit"],
            generated_before=(options["made_before"] or timezone.now()) if force else None,
        )
        self._queued = 0
        try:
            with command_errors(
                self.stdout.write, lambda: _stopped(self._queued, selection.generated_before)
            ):
                self._count(selection) if dry_run else self._enqueue(selection)
        except QueueUnavailable:
            raise CommandError(
                "The queue is not reachable. Start the site, or the Redis of REDIS_URL, and run this again."
            ) from None

    def _count(self, selection: Selection) -> None:
        with _bar(selection) as bar:
            count = sum(1 for _ in find_candidates(selection, bar.update))
        self.stdout.write(f"{count} images with missing thumbnails. Dry run: nothing was queued.")

    def _enqueue(self, selection: Selection) -> None:
        def on_queued(images: int) -> None:
            self._queued += images
            bar.set_postfix(queued=self._queued, refresh=False)

        with _bar(selection) as bar:
            candidates = find_candidates(selection, bar.update)
            enqueue_chunks(chunks(candidates), selection.generated_before, on_queued, self._report_stuck)
        if self._queued:
            self.stdout.write(f"Queued {self._queued} images. The workers generate their thumbnails.")
        else:
            self.stdout.write("No image has missing thumbnails.")

    def _report_stuck(self) -> None:
        self.stderr.write(
            "No worker has taken a message from the queue `bulk` for 30 seconds: "
            "all workers are busy with uploads, or none is running."
        )


def _bar(selection: Selection) -> "tqdm[Any]":
    return tqdm(total=selection.images().count(), unit=" images", disable=None, leave=False)


def _stopped(queued: int, generated_before: datetime | None) -> str:
    advice = "Run the command again to continue"
    if generated_before:
        advice += f", with --force --made-before {generated_before.isoformat()}"
    return f"Stopped. The workers generate the thumbnails of the {queued} images queued so far. {advice}."
