"""`manage.py register manifest.json`: add the images of an archive that pregen has scanned to the gallery."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from images.registration.register import Tally, register
from images.registration.storage_match import OtherStorage
from pregen.errors import PregenError
from pregen.manifest.reader import ManifestHead, read_head


class Command(BaseCommand):
    help = (
        "Add the images of a pregen manifest to the gallery. Existing thumbnails of a configured size are used; "
        "missing thumbnails are generated on request. A second run, after a new scan or an interruption, writes only "
        "changes. No file is written or deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("manifest", type=Path)
        parser.add_argument(
            "--collection", action="append", default=[], help="only this collection; repeatable"
        )
        parser.add_argument("--dry-run", action="store_true", help="report the changes without writing them")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        manifest: Path = options["manifest"]
        try:
            with tqdm(total=_images_of(read_head(manifest)), unit=" images", disable=None) as bar:
                tally = register(
                    manifest,
                    collections=options["collection"],
                    apply=not options["dry_run"],
                    progress=bar.update,
                )
        except (OtherStorage, PregenError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(tally)))
        else:
            self.stdout.write(_summary(tally, dry_run=options["dry_run"]))


def _images_of(head: ManifestHead) -> int:
    return sum(stats.total_images for stats in head.collection_stats.values())


def _summary(tally: Tally, *, dry_run: bool) -> str:
    lines = [
        f"{tally.new:,} new, {tally.changed:,} changed, {tally.unchanged:,} unchanged; "
        f"{tally.thumbnails:,} thumbnails found."
    ]
    lines += [
        f"{count:,} not registered: {tally.examples[reason]} {reason}"
        for reason, count in tally.skipped.most_common()
    ]
    if dry_run:
        lines.append("Nothing was written: this was a dry run.")
    return "\n".join(lines)
