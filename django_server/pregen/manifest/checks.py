"""Check the age of a manifest, and that it has the requested collections. Used by generate and the reports."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pregen.errors import StaleManifest, UnknownCollection
from pregen.formatting import duration_text, printable
from pregen.manifest.reader import ManifestHead

STALE_AFTER = timedelta(hours=24)


def age_of(head: ManifestHead) -> timedelta:
    return datetime.now(UTC) - head.created_at


def check_not_stale(head: ManifestHead, *, force: bool) -> None:
    """Raise StaleManifest if the manifest is older than 24 hours and `force` is not set."""
    age = age_of(head)
    if age > STALE_AFTER and not force:
        raise StaleManifest(
            f"The manifest is {duration_text(age.total_seconds())} old, and the archive may have changed since. "
            "Scan again, or use --force."
        )


def check_collections(collections: Iterable[str], head: ManifestHead) -> None:
    """Raise UnknownCollection if the manifest lacks one of `collections`."""
    unknown = sorted(set(collections) - set(head.collections))
    if unknown:
        existing = ", ".join(printable(name) for name in head.collections[:20]) or "none"
        names = ", ".join(printable(name) for name in unknown)
        raise UnknownCollection(f"The manifest has no collection {names}. It has: {existing}.")
