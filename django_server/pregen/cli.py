"""Run a command line: parse it, call the command, print its result, convert exceptions to an exit code.

Each command imports its modules when it runs, because a scan needs no decoder and a report needs no store.
"""

import argparse
import gc
import json
import os
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from pregen.console import log, set_up_logging, write_line
from pregen.errors import BadConfiguration, Interrupted, PregenError
from pregen.options import parse
from pregen.stop_signals import interruptible
from pregen.storage import StorageOptions, open_store, read_secrets, storage_to_scan

if TYPE_CHECKING:
    from pregen.generate.generator import GenerateOptions


def main(argv: list[str] | None = None) -> int:
    """Run the command of `argv` (None: of this process). Returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # Without this, a file name that the terminal can't show would end the run.
        with suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    options = parse(argv)
    if options is None:
        return 1
    set_up_logging(quiet=getattr(options, "quiet", False), verbose=options.verbose)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    try:
        with interruptible():
            code = _COMMANDS[options.command](options)
            sys.stdout.flush()
            return code
    except PregenError as failure:
        log.error("%s", failure)
        return failure.exit_code
    except Interrupted as stop:
        log.warning("Stopped by %s.", "Ctrl+C" if stop.exit_code == 130 else "SIGTERM")
        return _end(stop.exit_code)
    except BrokenPipeError:
        # The reader of the output has closed it, as `| head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _end(1)


def _end(code: int) -> int:
    """Exit at once if other threads run: Python would wait for them, and they may wait for a server without end."""
    if threading.active_count() > 1:
        sys.stderr.flush()
        os._exit(code)
    return code


def _scan(options: argparse.Namespace) -> int:
    from pregen.report.print_report import summary_of
    from pregen.scan.scanner import ScanOptions, scan

    # A scan creates millions of objects but no reference cycles. Garbage collection took 15 % of its time.
    gc.disable()
    storage = storage_to_scan(_storage_options(options), os.environ)
    store = open_store(storage, read_secrets(_storage_options(options), os.environ))
    # With --json, stdout holds one JSON object and nothing else.
    show_files = options.show_files and not options.json
    scan_options = ScanOptions(
        options.output, tuple(options.collections), options.limit, show_files, options.quiet
    )
    result = scan(store, storage, scan_options)
    if options.json:
        stats = {name: asdict(counts) for name, counts in result.scan.collection_stats.items()}
        _write_json(
            manifest=str(options.output),
            collections=stats,
            scan_duration_seconds=result.scan.scan_duration_seconds,
            thumbnails_without_original=result.thumbnails_without_original,
            left_out=result.left_out,
        )
    elif not options.quiet and not options.show_files:
        write_line(summary_of(options.output))
    return 1 if result.left_out else 0


def _generate(options: argparse.Namespace) -> int:
    from pregen.generate.generator import generate
    from pregen.generate.run_log import final_block

    totals = generate(_generate_options(options), os.environ)
    if options.json:
        _write_json(**totals.as_json())
    elif not options.quiet:
        write_line(final_block(totals))
    return 1 if totals.errors else 0


def _generate_options(options: argparse.Namespace) -> "GenerateOptions":
    from pregen.generate.generator import GenerateOptions
    from pregen.generate.render_requests import Selection

    selection = Selection(
        scales=tuple(dict.fromkeys(options.sizes or (200,))),
        collections=frozenset(options.collections),
        as_png=options.tiff_as == "png",
        resume=options.resume,
        limit=options.limit,
    )
    broker = (options.broker or os.environ.get("REDIS_URL")) if options.distribute else None
    if options.distribute and not broker:
        raise BadConfiguration("--distribute needs the broker's address: --broker or REDIS_URL.")
    return GenerateOptions(
        manifest=options.manifest,
        selection=selection,
        storage=_storage_options(options),
        cadence=0.0 if options.dry_run else options.cadence,
        workers=options.workers,
        dry_run=options.dry_run,
        force=options.force,
        skip_existing=options.skip_existing,
        keep_checkpoint=not options.no_checkpoint,
        checkpoint=options.checkpoint,
        broker=broker,
        lost_after=options.lost_after,
        errors=options.errors,
        show_files=options.show_files and not options.json,
        quiet=options.quiet,
    )


def _report(options: argparse.Namespace) -> int:
    from pregen.report.print_report import ReportOptions, print_report

    report_options = ReportOptions(
        options.manifest,
        options.type,
        frozenset(options.collections),
        options.size,
        options.cadence,
        options.all,
    )
    print_report(report_options, as_json=options.json)
    return 0


_COMMANDS = {"scan": _scan, "generate": _generate, "report": _report}


def _storage_options(options: argparse.Namespace) -> StorageOptions:
    return StorageOptions(**{name: getattr(options, name) for name in StorageOptions.__dataclass_fields__})


def _write_json(**values: object) -> None:
    write_line(json.dumps(values, indent=2))
