"""The five reports on a manifest. Owns what each one counts; `report_texts` writes them. Used by `cli`."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pregen.console import log, say
from pregen.formatting import printable
from pregen.generate.journal import Finished, last_rate, path_for
from pregen.generate.render_requests import Job, Place, Wanted, select
from pregen.manifest import reader
from pregen.manifest.checks import STALE_AFTER, age_of, refuse_unknown
from pregen.manifest.reader import ManifestHead, Record
from pregen.report import texts
from pregen.report.counts import CollectionTally, from_stats, overall

DEFAULT_SCALE_PX = 200
_MOST_LINES = 100


@dataclass(frozen=True)
class ReportOptions:
    """`scale_px` None: the summary counts thumbnails of any size, the others those of 200 pixels."""

    manifest: Path
    type: str = "summary"
    collections: frozenset[str] = frozenset()
    scale_px: int | None = None
    cadence: float = 1.0
    all_lines: bool = False

    @property
    def wanted_px(self) -> int:
        return self.scale_px or DEFAULT_SCALE_PX


def report(options: ReportOptions, *, as_json: bool) -> None:
    """Write the report to stdout. Raises UnreadableManifest, UnknownCollection."""
    head = reader.read_head(options.manifest)
    refuse_unknown(options.collections, head)
    if options.type == "missing" and not as_json:
        _missing(options, head)
        return
    tallies = _tallies(options, head)
    if as_json:
        say(json.dumps(_as_object(options, head, tallies), indent=2))
        return
    say(_text(options, head, tallies))


def summary_of(path: Path) -> str:
    """The summary that a scan ends with."""
    head = reader.read_head(path)
    return texts.summary(_facts(head), from_stats(head.collection_stats.values()), None)


def _tallies(options: ReportOptions, head: ManifestHead) -> list[CollectionTally]:
    """Counted from the records where the manifest's own statistics don't say it."""
    if options.type in ("summary", "detailed") and options.scale_px is None and head.collection_stats:
        chosen = options.collections or head.collection_stats
        return from_stats(stats for name, stats in head.collection_stats.items() if name in chosen)
    tallies: dict[str, CollectionTally] = {}
    finished = _finished(options, head)

    def counted() -> Iterator[Record]:
        for record in reader.records(options.manifest, _tell):
            if not options.collections or record.collection in options.collections:
                tally = tallies.setdefault(record.collection, CollectionTally(record.collection))
                tally.add(record, options.scale_px)
                yield record

    for job in _to_generate(options, head, finished, counted()):
        tallies[job.collection].to_generate += 1
    return list(tallies.values())


def _to_generate(
    options: ReportOptions, head: ManifestHead, finished: Finished, records: Iterator[Record]
) -> Iterator[Job]:
    wanted = Wanted((options.wanted_px,), options.collections)
    return select(records, wanted, Place(head.s3_prefix, head.s3_prefix), finished.has, _tell)


def _finished(options: ReportOptions, head: ManifestHead) -> Finished:
    finished = Finished()
    finished.read(path_for(options.manifest, options.wanted_px), head.identity)
    return finished


def _missing(options: ReportOptions, head: ManifestHead) -> None:
    say(texts.missing_heading(options.wanted_px))
    count = 0
    records = reader.records(options.manifest, _tell)
    for job in _to_generate(options, head, _finished(options, head), records):
        count += 1
        if options.all_lines or count <= _MOST_LINES:
            say(f"[{printable(job.collection)}] {printable(job.filename)}")
    if not options.all_lines and count > _MOST_LINES:
        say(f"... and {count - _MOST_LINES:,} more")
    say(f"\nTotal missing: {count:,}")


def _facts(head: ManifestHead) -> texts.Facts:
    age = age_of(head)
    return texts.Facts(
        created=head.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        age_seconds=max(0.0, age.total_seconds()),
        is_stale=age > STALE_AFTER,
        place=head.storage.place,
        prefix=head.s3_prefix,
        scan_seconds=head.scan_duration_seconds,
    )


def _plan_text(options: ReportOptions, head: ManifestHead, tallies: list[CollectionTally]) -> str:
    rate = last_rate(path_for(options.manifest, options.wanted_px), head.identity)
    return texts.plan(_facts(head), tallies, options.wanted_px, options.cadence, rate)


def _text(options: ReportOptions, head: ManifestHead, tallies: list[CollectionTally]) -> str:
    if options.type == "plan":
        return _plan_text(options, head, tallies)
    if options.type == "sizes":
        return texts.sizes(tallies, options.wanted_px)
    write = texts.detailed if options.type == "detailed" else texts.summary
    return write(_facts(head), tallies, options.scale_px)


def _as_object(
    options: ReportOptions, head: ManifestHead, tallies: list[CollectionTally]
) -> dict[str, object]:
    def as_object(tally: CollectionTally) -> dict[str, object]:
        return {**asdict(tally), "missing": tally.missing}

    return {
        "report": options.type,
        "created_at": head.created_at.isoformat(),
        "storage": head.storage.as_json(),
        "size": options.wanted_px,
        "collections": [as_object(tally) for tally in tallies],
        "total": as_object(overall(tallies)),
    }


def _tell(key: str, reason: str) -> None:
    log.error("%s -> %s", printable(key), reason)
