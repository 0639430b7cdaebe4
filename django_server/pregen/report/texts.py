"""Format the reports: take counts, return text. Pure. Used by `print_report`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pregen.formatting import duration_text, printable, share_text, size_text
from pregen.report.counts import CollectionTally, ScaleTally, overall

_WIDTH = 78
_OTHER_CADENCES = (0.5, 0.1)  # seconds; the plan estimates the time for these cadences too


@dataclass(frozen=True)
class ReportHeader:
    """The values in the heading of every report."""

    created: str
    age_seconds: float
    is_stale: bool
    place: str
    prefix: str
    scan_seconds: float


def summary(header: ReportHeader, tallies: Sequence[CollectionTally], scale_px: int | None) -> str:
    """`scale_px`: count thumbnails of this size; None: of any size."""
    rows = [
        (
            printable(tally.name),
            f"{tally.images:,}",
            f"{tally.with_thumbnails:,}",
            f"{tally.missing:,}",
            _coverage(tally),
        )
        for tally in tallies
    ]
    total = overall(tallies)
    return "\n".join(
        [
            *_heading("THUMBNAIL MANIFEST SUMMARY", header),
            f"Total Images: {total.images:,}",
            f"With Thumbnails: {total.with_thumbnails:,}{_of_size(scale_px)}",
            f"Missing Thumbnails: {total.missing:,}{_of_size(scale_px)}",
            f"Coverage: {_coverage(total)}",
            "",
            *_table(("Collection", "Total", "With", "Missing", "Coverage"), rows),
        ]
    )


def detailed(header: ReportHeader, tallies: Sequence[CollectionTally], scale_px: int | None) -> str:
    total = overall(tallies)
    rows = [
        (
            printable(tally.name),
            size_text(tally.original_bytes),
            size_text(tally.thumbnail_bytes),
            share_text(tally.thumbnail_bytes, tally.original_bytes),
        )
        for tally in [*tallies, total]
    ]
    heads = ("Collection", "Originals", "Thumbnails", "Ratio")
    return "\n".join([summary(header, tallies, scale_px), "", "Storage Statistics", "", *_table(heads, rows)])


def plan(
    header: ReportHeader,
    tallies: Sequence[CollectionTally],
    scale_px: int,
    cadence: float,
    rate: float | None,
) -> str:
    """`rate`: the images per second of the last run, or None if no run has been completed."""
    count = sum(tally.to_generate for tally in tallies)
    rows = [(printable(tally.name), f"{tally.to_generate:,}") for tally in tallies if tally.to_generate]
    cadences = dict.fromkeys([cadence, *_OTHER_CADENCES])
    estimates = [
        f"  at one image per {seconds:g} s: {duration_text(count * seconds)}"
        for seconds in cadences
        if seconds > 0
    ]
    if rate:
        estimates.append(
            f"  at the rate of the last run ({rate * 60:,.1f}/min): {duration_text(count / rate)}"
        )
    if not estimates or cadence <= 0:
        estimates.insert(0, "  without a limit: at the speed of this machine")
    return "\n".join(
        [
            *_heading("ACTION PLAN", header),
            f"Target size: {scale_px}px",
            f"Cadence: {cadence:g} seconds per image",
            f"Thumbnails to Generate: {count:,}",
            "",
            *_table(("Collection", "To generate"), rows),
            "",
            "Estimated time:",
            *estimates,
        ]
    )


def missing_heading(scale_px: int) -> str:
    return "\n".join(["=" * _WIDTH, f"MISSING THUMBNAILS ({scale_px}px)", "=" * _WIDTH])


def sizes(tallies: Sequence[CollectionTally], scale_px: int) -> str:
    lines = ["=" * _WIDTH, "THUMBNAIL SIZES", "=" * _WIDTH]
    for tally in tallies:
        lines += [f"{printable(tally.name)}: {tally.images:,} images", *_scales(tally, scale_px), ""]
    total = overall(tallies)
    lines += [f"Overall: {total.images:,} images", *_scales(total, scale_px), ""]
    return "\n".join([*lines, f"To generate @{scale_px} thumbnails: {total.to_generate:,}"])


def _scales(collection: CollectionTally, scale_px: int) -> list[str]:
    by_scale = {scale_px: ScaleTally()} | collection.scales
    rows = [
        (
            f"@{scale}"
            + (" (same name)" if scale == 0 else "")
            + (" <- target" if scale == scale_px else ""),
            f"{tally.count:,}",
            share_text(tally.count, collection.images),
            size_text(tally.byte_size),
            size_text(tally.byte_size / tally.count) if tally.count else "-",
        )
        for scale, tally in sorted(by_scale.items())
    ]
    return _table(("Size", "Count", "Coverage", "Bytes", "Average"), rows)


def _heading(title: str, header: ReportHeader) -> list[str]:
    lines = [
        "=" * _WIDTH,
        title,
        "=" * _WIDTH,
        f"Created: {header.created}",
        f"Age: {duration_text(header.age_seconds)}",
        f"Storage: {printable(header.place)}, below {printable(header.prefix) or 'its top'}",
        f"Scan time: {duration_text(header.scan_seconds)}",
    ]
    if header.is_stale:
        lines.append("WARNING: this manifest is older than 24 hours. Scan again.")
    return [*lines, ""]


def _coverage(tally: CollectionTally) -> str:
    return share_text(tally.with_thumbnails, tally.images)


def _of_size(scale_px: int | None) -> str:
    return "" if scale_px is None else f" (at {scale_px}px)"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Align the first column left and the numbers right."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    texts = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return [texts[0], "-" * len(texts[0]), *texts[1:]]
