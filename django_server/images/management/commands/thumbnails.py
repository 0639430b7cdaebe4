"""`manage.py thumbnails`: what thumbnails images lack, made in bulk by the workers."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from tqdm import tqdm

from images.management.interrupts import stoppable
from images.management.moments import moment
from images.thumbnails.backfill import QueueAway, Selection, chunks, feed, lacking


class Command(BaseCommand):
    help = (
        "Have the workers make the thumbnails that images lack, behind all uploads. Running it again goes on where "
        "it stopped: what is made is not made twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--collection", action="append", default=[], metavar="NAME", help="repeatable")
        parser.add_argument("--after", type=moment, metavar="DATE", help="uploaded then or later")
        parser.add_argument("--before", type=moment, metavar="DATE", help="uploaded earlier")
        parser.add_argument(
            "--force", action="store_true", help="Make valid ones anew too, an archive's included."
        )
        parser.add_argument(
            "--made-before", type=moment, metavar="DATE", help="with --force: only those made earlier"
        )
        parser.add_argument("--limit", type=int, metavar="N", help="ask for those of so many images at most")
        parser.add_argument("--dry-run", action="store_true", help="Count only.")

    def handle(self, *_: Any, dry_run: bool, force: bool, **options: Any) -> None:
        if options["made_before"] and not force:
            raise CommandError("--made-before says which thumbnails --force makes anew: give both.")
        selection = Selection(
            collections=options["collection"],
            uploaded_after=options["after"],
            uploaded_before=options["before"],
            most=options["limit"],
            made_before=(options["made_before"] or timezone.now()) if force else None,
        )
        self._asked = 0
        try:
            with stoppable(self.stdout.write, lambda: _stopped(self._asked, selection.made_before)):
                self._count(selection) if dry_run else self._feed(selection)
        except QueueAway:
            raise CommandError(
                "The queue does not answer: start the site, or the Redis that REDIS_URL names, and run this again."
            ) from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"The database does not answer as it should: {error}") from error

    def _count(self, selection: Selection) -> None:
        with _bar(selection) as bar:
            count = sum(1 for _ in lacking(selection, bar.update))
        self.stdout.write(f"{count} images lack thumbnails. Nothing was asked for: this was a dry run.")

    def _feed(self, selection: Selection) -> None:
        def fed(images: int) -> None:
            self._asked += images
            bar.set_postfix(asked=self._asked, refresh=False)

        with _bar(selection) as bar:
            feed(chunks(lacking(selection, bar.update)), selection.made_before, fed, self._say_stuck)
        if self._asked:
            self.stdout.write(f"The workers were asked for the thumbnails of {self._asked} images.")
        else:
            self.stdout.write("No image lacks a thumbnail.")

    def _say_stuck(self) -> None:
        self.stderr.write(
            "No worker has taken anything from the queue `bulk` for half a minute: "
            "all are busy with uploads, or none runs."
        )


def _bar(selection: Selection) -> "tqdm[Any]":
    return tqdm(total=selection.images().count(), unit=" images", disable=None, leave=False)


def _stopped(asked: int, made_before: datetime | None) -> str:
    again = "Run it again to go on"
    if made_before:
        again += f" with --force --made-before {made_before.isoformat()}"
    return f"Stopped. The workers finish what was asked for, the thumbnails of {asked} images. {again}."
