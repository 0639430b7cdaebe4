"""`pregen generate`: choose the storage, the journals and the executor, and run the executor.

Owns the order of the steps. Called by `cli`. `render_requests` selects the images, the executors process them.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from pregen.console import Progress, log
from pregen.errors import Interrupted
from pregen.formatting import printable
from pregen.generate import local_executor, s3_executor
from pregen.generate.journal import FinishedThumbnails, Journal, path_for
from pregen.generate.render_requests import Prefixes, RenderRequest, Selection, select
from pregen.generate.run_log import RunRecorder, Totals, dry_run
from pregen.manifest import reader
from pregen.manifest.checks import check_collections, check_not_stale
from pregen.manifest.reader import ManifestHead
from pregen.storage import Storage, StorageOptions, open_store, read_secrets, storage_to_generate


@dataclass(frozen=True)
class GenerateOptions:
    """`cadence`: minimum seconds between the starts of two images.

    `checkpoint`: the path of the journal. If it is None, the journals are beside the manifest.
    """

    manifest: Path
    selection: Selection
    storage: StorageOptions
    cadence: float = 1.0
    workers: int = 1
    dry_run: bool = False
    force: bool = False
    skip_existing: bool = True
    keep_checkpoint: bool = True
    checkpoint: Path | None = None
    broker: str | None = None
    lost_after: float = 90.0
    errors: Path | None = None
    show_files: bool = False
    quiet: bool = False


def generate(options: GenerateOptions, environment: Mapping[str, str]) -> Totals:
    """Generate the missing thumbnails. Raises PregenError if the run can't go on. Failures of images are counted."""
    head = reader.read_head(options.manifest)
    check_not_stale(head, force=options.force)
    check_collections(options.selection.collections, head)
    storage = storage_to_generate(options.storage, environment, head.storage)
    with ExitStack() as resources:
        journals = _journals(options)
        finished = _finished(journals, head.identity)
        if options.dry_run:
            return dry_run(_requests(options, head, storage, finished), show=options.show_files)
        writers = _open_journals(journals, head.identity, resources)
        images = sum(stats.total_images for stats in _chosen(head, options.selection.collections))
        progress = resources.enter_context(
            Progress(
                "generate", "images", quiet=options.quiet, total=_expected(images, options.selection.limit)
            )
        )
        recorder = RunRecorder(writers, progress, show=options.show_files, errors=options.errors)
        resources.callback(recorder.close)
        requests = paced(_requests(options, head, storage, finished, recorder.reject), options.cadence)
        try:
            _work(options, environment, storage, requests, recorder)
        except Interrupted:
            log.warning("Stopped. %s", resume_hint(recorder.totals(), kept=options.keep_checkpoint))
            raise
        return recorder.finish()


def paced(requests: Iterator[RenderRequest], cadence: float) -> Iterator[RenderRequest]:
    """Yield the requests, at most one in `cadence` seconds. If `cadence` is 0 or less, there is no limit."""
    earliest = time.monotonic()
    for request in requests:
        if cadence > 0:
            time.sleep(max(0.0, earliest - time.monotonic()))
            earliest = time.monotonic() + cadence
        yield request


def resume_hint(totals: Totals, *, kept: bool) -> str:
    """The log message of a stopped run."""
    last = f" The last image finished was {printable(totals.last_name)}." if totals.last_name else ""
    if kept:
        return f"Finished thumbnails are kept.{last} Run the same command again to continue."
    name = f" --resume {totals.last_name!r}" if totals.last_name else ""
    return f"Finished thumbnails are kept.{last} To continue, run it again with{name or ' the same options'}."


def _work(
    options: GenerateOptions,
    environment: Mapping[str, str],
    storage: Storage,
    requests: Iterator[RenderRequest],
    recorder: RunRecorder,
) -> None:
    secret = read_secrets(options.storage, environment)
    if options.broker is not None:
        from pregen.generate import celery_executor

        open_store(storage, secret)  # Raises if the archive can't be read, before anything is sent.
        distribution = celery_executor.DistributeOptions(
            options.broker,
            options.cadence > 0,
            options.skip_existing,
            worker_timeout_seconds=options.lost_after,
        )
        celery_executor.run(requests, storage, distribution, recorder.add)
        return
    throttled, on_s3 = options.cadence > 0, storage.s3_bucket is not None
    whole_images = on_s3 and not throttled
    local_executor.start_forkserver(*(s3_executor.LIBRARIES if whole_images else ()))
    concurrency = local_executor.concurrency_for(remote=on_s3, workers=options.workers, one_by_one=throttled)
    store = open_store(storage, secret, concurrency.transfer_threads)
    if whole_images:
        bucket = s3_executor.Bucket(storage, secret, store)
        s3_executor.run(requests, bucket, concurrency, recorder.add, skip_existing=options.skip_existing)
    else:
        local_executor.run(requests, store, concurrency, recorder.add, skip_existing=options.skip_existing)


def _requests(
    options: GenerateOptions,
    head: ManifestHead,
    storage: Storage,
    finished: FinishedThumbnails,
    on_rejected: Callable[[str, str], None] | None = None,
) -> Iterator[RenderRequest]:
    log_rejected = on_rejected or (lambda key, reason: log.error("%s -> %s", printable(key), reason))
    records = reader.records(options.manifest, log_rejected)
    return select(
        records, options.selection, Prefixes(head.s3_prefix, storage.prefix), finished.has, log_rejected
    )


def _journals(options: GenerateOptions) -> dict[int, Path]:
    """The path of the journal for each size. --checkpoint gives one path for all sizes, --no-checkpoint gives none."""
    if not options.keep_checkpoint:
        return {}
    return {
        scale: options.checkpoint or path_for(options.manifest, scale) for scale in options.selection.scales
    }


def _open_journals(journals: dict[int, Path], identity: str, resources: ExitStack) -> dict[int, Journal]:
    by_path = {path: Journal(path, identity) for path in set(journals.values())}
    for journal in by_path.values():
        resources.callback(journal.close)
    return {scale: by_path[path] for scale, path in journals.items()}


def _finished(journals: dict[int, Path], identity: str) -> FinishedThumbnails:
    finished = FinishedThumbnails()
    for path in sorted(set(journals.values())):
        finished.read(path, identity)
    return finished


def _chosen(head: ManifestHead, collections: frozenset[str]) -> list[reader.CollectionStats]:
    return [stats for name, stats in head.collection_stats.items() if not collections or name in collections]


def _expected(images: int, limit: int | None) -> int | None:
    return min(images, limit) if limit is not None else images or None
