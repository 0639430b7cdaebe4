"""Print one of the five reports on a manifest. `counts` has its numbers, `texts` formats them. Called by `cli`."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pregen.console import log, write_line
from pregen.formatting import printable
from pregen.generate.journal import FinishedThumbnails, last_rate, path_for
from pregen.generate.render_requests import Prefixes, RenderRequest, Selection, select
from pregen.manifest import reader
from pregen.manifest.checks import STALE_AFTER, age_of, check_collections
from pregen.manifest.reader import ManifestHead, Record
from pregen.report import texts
from pregen.report.counts import CollectionTally, from_stats, overall

DEFAULT_SCALE_PX = 200
_MAX_LINES = 100


@dataclass(frozen=True)
class ReportOptions:
    """`scale_px` None: the summary counts thumbnails of any size, the other reports count those of 200 pixels."""

    manifest: Path
    type: str = "summary"
    collections: frozenset[str] = frozenset()
    scale_px: int | None = None
    cadence: float = 1.0
    all_lines: bool = False

    @property
    def target_px(self) -> int:
        return self.scale_px or DEFAULT_SCALE_PX


def print_report(options: ReportOptions, *, as_json: bool) -> None:
    """Write the report to stdout. Raises UnreadableManifest, UnknownCollection."""
    head = reader.read_head(options.manifest)
    check_collections(options.collections, head)
    if options.type == "missing" and not as_json:
        _missing(options, head)
        return
    tallies = _tallies(options, head)
    if as_json:
        write_line(json.dumps(_as_object(options, head, tallies), indent=2))
        return
    write_line(_text(options, head, tallies))


def summary_of(path: Path) -> str:
    """The summary that is printed after a scan."""
    head = reader.read_head(path)
    return texts.summary(_report_header(head), from_stats(head.collection_stats.values()), None)


def _tallies(options: ReportOptions, head: ManifestHead) -> list[CollectionTally]:
    """Count by the statistics of the manifest if they suffice, otherwise by its records."""
    if options.type in ("summary", "detailed") and options.scale_px is None and head.collection_stats:
        chosen = options.collections or head.collection_stats
        return from_stats(stats for name, stats in head.collection_stats.items() if name in chosen)
    tallies: dict[str, CollectionTally] = {}
    finished = _finished(options, head)

    def counted() -> Iterator[Record]:
        for record in reader.records(options.manifest, _log_rejected):
            if not options.collections or record.collection in options.collections:
                tally = tallies.setdefault(record.collection, CollectionTally(record.collection))
                tally.add(record, options.scale_px)
                yield record

    for request in _to_generate(options, head, finished, counted()):
        tallies[request.collection].to_generate += 1
    return list(tallies.values())


def _to_generate(
    options: ReportOptions, head: ManifestHead, finished: FinishedThumbnails, records: Iterator[Record]
) -> Iterator[RenderRequest]:
    selection = Selection((options.target_px,), options.collections)
    return select(records, selection, Prefixes(head.s3_prefix, head.s3_prefix), finished.has, _log_rejected)


def _finished(options: ReportOptions, head: ManifestHead) -> FinishedThumbnails:
    finished = FinishedThumbnails()
    finished.read(path_for(options.manifest, options.target_px), head.identity)
    return finished


def _missing(options: ReportOptions, head: ManifestHead) -> None:
    write_line(texts.missing_heading(options.target_px))
    count = 0
    records = reader.records(options.manifest, _log_rejected)
    for request in _to_generate(options, head, _finished(options, head), records):
        count += 1
        if options.all_lines or count <= _MAX_LINES:
            write_line(f"[{printable(request.collection)}] {printable(request.filename)}")
    if not options.all_lines and count > _MAX_LINES:
        write_line(f"... and {count - _MAX_LINES:,} more")
    write_line(f"\nTotal missing: {count:,}")


def _report_header(head: ManifestHead) -> texts.ReportHeader:
    age = age_of(head)
    return texts.ReportHeader(
        created=head.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        age_seconds=max(0.0, age.total_seconds()),
        is_stale=age > STALE_AFTER,
        place=head.storage.place,
        prefix=head.s3_prefix,
        scan_seconds=head.scan_duration_seconds,
    )


def _plan_text(options: ReportOptions, head: ManifestHead, tallies: list[CollectionTally]) -> str:
    rate = last_rate(path_for(options.manifest, options.target_px), head.identity)
    return texts.plan(_report_header(head), tallies, options.target_px, options.cadence, rate)


def _text(options: ReportOptions, head: ManifestHead, tallies: list[CollectionTally]) -> str:
    if options.type == "plan":
        return _plan_text(options, head, tallies)
    if options.type == "sizes":
        return texts.sizes(tallies, options.target_px)
    write = texts.detailed if options.type == "detailed" else texts.summary
    return write(_report_header(head), tallies, options.scale_px)


def _as_object(
    options: ReportOptions, head: ManifestHead, tallies: list[CollectionTally]
) -> dict[str, object]:
    def as_object(tally: CollectionTally) -> dict[str, object]:
        return {**asdict(tally), "missing": tally.missing}

    return {
        "report": options.type,
        "created_at": head.created_at.isoformat(),
        "storage": head.storage.as_json(),
        "size": options.target_px,
        "collections": [as_object(tally) for tally in tallies],
        "total": as_object(overall(tallies)),
    }


def _log_rejected(key: str, reason: str) -> None:
    log.error("%s -> %s", printable(key), reason)
