"""`manage.py reconcile`: compare storage and rows, and repair the differences."""

import json
from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from images.management.command_errors import command_errors
from images.reconcile.compare import CannotReconcile, reconcile, rows_to_check
from images.reconcile.row_repairs import MIN_AGE

# A month, in minutes.
_LONGEST_AGE = 31 * 24 * 60


class Command(BaseCommand):
    help = (
        "Compare stored files and database rows, and report the differences; --apply repairs them. "
        "Files of archives are never changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="repair; without it nothing is changed")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--collection",
            action="append",
            default=[],
            metavar="NAME",
            help="only this collection; repeatable",
        )
        parser.add_argument(
            "--older-than",
            type=_minutes,
            default=MIN_AGE,
            metavar="MINUTES",
            help="pass over younger files and rows, which may still be written (default: 60). "
            "A smaller number is safe only while nothing is uploaded or processed",
        )
        parser.add_argument("--quiet", action="store_true", help="print nothing if there are no differences")

    def handle(self, *_: Any, apply: bool, collection: list[str], quiet: bool, **options: Any) -> None:
        try:
            total = rows_to_check(collection)
            with (
                command_errors(
                    self.stdout.write,
                    lambda: "Stopped. Repairs made so far stay; the next run does the rest.",
                ),
                tqdm(total=total, unit=" rows", disable=True if quiet else None, leave=False) as bar,
            ):
                report = reconcile(
                    collection, apply=apply, older_than=options["older_than"], progress=bar.update
                )
        except CannotReconcile as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        elif not (quiet and report.is_clean):
            self.stdout.write("\n".join(report.lines()))
        if report.unread:
            raise SystemExit(1)


def _minutes(text: str) -> timedelta:
    if not (text.isascii() and text.isdecimal() and int(text) <= _LONGEST_AGE):
        raise ArgumentTypeError(f"{text!r} is not a whole number of minutes from 0 to {_LONGEST_AGE}.")
    return timedelta(minutes=int(text))
