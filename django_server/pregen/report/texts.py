"""Format the reports. Pure: counts in, text out. Used by `reports`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pregen.formatting import duration_text, printable, share_text, size_text
from pregen.report.counts import CollectionTally, ScaleTally, overall

_WIDTH = 78
_OTHER_CADENCES = (0.5, 0.1)  # seconds


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
            printable(one.name),
            f"{one.images:,}",
            f"{one.with_thumbnails:,}",
            f"{one.missing:,}",
            _coverage(one),
        )
        for one in tallies
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
            printable(one.name),
            size_text(one.original_bytes),
            size_text(one.thumbnail_bytes),
            share_text(one.thumbnail_bytes, one.original_bytes),
        )
        for one in [*tallies, total]
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
    """`rate`: images per second of the last run, if measured."""
    count = sum(one.to_generate for one in tallies)
    rows = [(printable(one.name), f"{one.to_generate:,}") for one in tallies if one.to_generate]
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
    for one in tallies:
        lines += [f"{printable(one.name)}: {one.images:,} images", *_scales(one, scale_px), ""]
    total = overall(tallies)
    lines += [f"Overall: {total.images:,} images", *_scales(total, scale_px), ""]
    return "\n".join([*lines, f"To generate @{scale_px} thumbnails: {total.to_generate:,}"])


def _scales(one: CollectionTally, scale_px: int) -> list[str]:
    found = {scale_px: ScaleTally()} | one.scales
    rows = [
        (
            f"@{scale}"
            + (" (same name)" if scale == 0 else "")
            + (" <- target" if scale == scale_px else ""),
            f"{tally.count:,}",
            share_text(tally.count, one.images),
            size_text(tally.byte_size),
            size_text(tally.byte_size / tally.count) if tally.count else "-",
        )
        for scale, tally in sorted(found.items())
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


def _coverage(one: CollectionTally) -> str:
    return share_text(one.with_thumbnails, one.images)


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
