"""`manage.py reconcile`: storage and rows compared, and what differs repaired."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from images.management.interrupts import stoppable
from images.reconcile.reconciliation import CannotReconcile, reconcile, rows_to_check


class Command(BaseCommand):
    help = (
        "Compare every stored file with the rows, both ways. Says what it would repair; --apply repairs it. "
        "An archive's files are never touched."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="Repair. Without it nothing is changed.")
        parser.add_argument("--json", action="store_true", help="One object instead of sentences.")
        parser.add_argument(
            "--collection", action="append", default=[], metavar="NAME", help="Only this one; repeatable."
        )
        parser.add_argument("--quiet", action="store_true", help="Say nothing where all is well.")

    def handle(self, *_: Any, apply: bool, collection: list[str], quiet: bool, **options: Any) -> None:
        try:
            total = rows_to_check(collection)
            with (
                stoppable(
                    self.stdout.write,
                    lambda: "Stopped. What is repaired stays so; the next run does the rest.",
                ),
                tqdm(total=total, unit=" rows", disable=True if quiet else None, leave=False) as bar,
            ):
                report = reconcile(collection, apply=apply, progress=bar.update)
        except CannotReconcile as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        elif not (quiet and report.all_is_well):
            self.stdout.write("\n".join(report.lines()))
        if report.unread:
            raise SystemExit(1)
