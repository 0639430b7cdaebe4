"""The command line options with their help texts and checks. Used by `cli`."""

import argparse
from pathlib import Path

from pregen.cpu_count import cores

REPORTS = ("summary", "detailed", "plan", "missing", "sizes")

_ABOUT = """\
Thumbnails for an existing archive of images: a folder, or a bucket on S3.

    {root or bucket}/{prefix}/{collection}/originals/.../{name}.{ext}
    {root or bucket}/{prefix}/{collection}/thumbnails/.../{name}_{scale}.{ext}

  1. scan       writes a manifest (JSON) of the existing files. Opens no image.
  2. report     shows the manifest: how many thumbnails are missing, how long generating them takes.
  3. generate   generates the missing thumbnails. Never changes an original. After a stop, run the
                same command again to continue.
"""
_EXAMPLES = """\
examples:
  pregen scan --local-root /srv/media -o media.json
  pregen report -m media.json -t plan -s 240 -c 0
  pregen generate -m media.json -s 240 -s 1024 -c 0

  S3_ACCESS_KEY=... S3_SECRET_KEY=... pregen scan --s3-endpoint https://s3.example.org --s3-bucket photos

exit codes: 0 success, or nothing to do; 1 an image or the command failed; 2 usage error;
            130 stopped by Ctrl+C, 143 by SIGTERM
"""


def parse(argv: list[str] | None) -> argparse.Namespace | None:
    """The options. Without a command, prints the help and returns None. Exits with 2 after a usage error."""
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.command is None:
        parser.print_help()
        return None
    manifests = getattr(options, "manifest", None)
    if manifests is not None:
        if len(manifests) > 1:
            parser.error(f"-m takes one manifest, not {len(manifests)}. Did the shell expand a pattern?")
        options.manifest = manifests[0]
    return options


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "pregen", description=_ABOUT, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", default=False, help="write debug messages to the log"
    )
    commands = parser.add_subparsers(dest="command", metavar="{scan,generate,report}")
    _scan(commands.add_parser("scan", help="write a manifest of the existing files", allow_abbrev=False))
    _generate(commands.add_parser("generate", help="generate the missing thumbnails", allow_abbrev=False))
    _report(commands.add_parser("report", help="show what a manifest contains", allow_abbrev=False))
    return parser


def _scan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("manifest.json"), help="default: %(default)s"
    )
    _collection(parser, "all except `uploads`, which the server maintains")
    parser.add_argument("--limit", type=_count, metavar="N", help="list at most N images; 0: none")
    _lines(parser)
    _storage(parser)


def _generate(parser: argparse.ArgumentParser) -> None:
    _manifest(parser)
    parser.add_argument(
        "-s", "--size", type=_scale, action="append", metavar="PX", dest="sizes",
        help="longest edge of a thumbnail; may be repeated, each image is decoded once for all sizes (default: 200)",
    )  # fmt: skip
    _cadence(parser)
    _collection(parser, "all of the manifest")
    parser.add_argument(
        "--resume", metavar="NAME", help="skip file names that sort before NAME, in each collection"
    )
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="list or count the thumbnails to generate; open no image"
    )
    parser.add_argument("-f", "--force", action="store_true", help="use a manifest older than 24 hours")
    parser.add_argument("--limit", type=_count, metavar="N", help="process at most N images; 0: none")
    _lines(parser)
    work = parser.add_argument_group("work")
    work.add_argument(
        "--workers",
        type=_scale,
        metavar="N",
        default=cores(),
        help="rendering processes (default: one per core)",
    )
    work.add_argument(
        "--distribute", action="store_true",
        help="send the work to the Celery workers of the server, queue `bulk`; they need access to the same root",
    )  # fmt: skip
    work.add_argument(
        "--broker", metavar="URL", help="the Redis address of the workers' broker (default: REDIS_URL)"
    )
    work.add_argument(
        "--lost-after", type=_seconds, metavar="SECONDS", default=90.0,
        help="send a chunk to another worker after this time without a response (default: %(default)g)",
    )  # fmt: skip
    work.add_argument(
        "--skip-existing", action=argparse.BooleanOptionalAction, default=True,
        help="check before each render whether the thumbnail exists (default: yes)",
    )  # fmt: skip
    work.add_argument(
        "--tiff-as", choices=("original", "png"), default="original",
        help="thumbnails of .tif, .tiff and .bmp: JPEG with the original's extension, or PNG with .png",
    )  # fmt: skip
    memory = parser.add_argument_group("checkpoint")
    memory.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="the journal (default: one per size beside the manifest)",
    )
    memory.add_argument("--no-checkpoint", action="store_true", help="write no journal")
    memory.add_argument(
        "--errors", type=Path, metavar="FILE", help="write failed keys and causes here (JSON lines)"
    )
    _storage(parser)


def _report(parser: argparse.ArgumentParser) -> None:
    _manifest(parser)
    parser.add_argument("-t", "--type", choices=REPORTS, default="summary", help="default: %(default)s")
    _collection(parser, "all of the manifest")
    parser.add_argument(
        "-s", "--size", type=_scale, metavar="PX",
        help="longest edge of the thumbnails to count (default: 200; in a summary: any)",
    )  # fmt: skip
    _cadence(parser)
    parser.add_argument(
        "--all", action="store_true", help="with -t missing: print every line, not only the first 100"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    _verbose(parser)


def _manifest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-m",
        "--manifest",
        nargs="+",
        type=Path,
        required=True,
        metavar="FILE",
        help="the file that a scan has written",
    )


def _cadence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c", "--cadence", type=float, default=1.0, metavar="SECONDS",
        help="minimum time between the starts of two images, to limit the load; 0: no limit "
        "(default: %(default)s)",
    )  # fmt: skip


def _collection(parser: argparse.ArgumentParser, otherwise: str) -> None:
    parser.add_argument(
        "--collection", action="append", default=[], metavar="NAME", dest="collections",
        help=f"only this collection; may be repeated (default: {otherwise})",
    )  # fmt: skip


def _lines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="errors only")
    parser.add_argument("--show-files", action="store_true", help="print a line for each image")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    _verbose(parser)


def _verbose(parser: argparse.ArgumentParser) -> None:
    # SUPPRESS: otherwise the default of the sub-command would override a -v that stands before the sub-command.
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=argparse.SUPPRESS,
        help="write debug messages to the log",
    )


def _storage(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "location of the images", "A non-empty option wins over its environment variable."
    )
    group.add_argument("--local-root", metavar="PATH", help="a folder; wins over S3")
    group.add_argument(
        "--local-prefix", metavar="PREFIX", help="folder of the collections (default: attachments)"
    )
    for name, meta in (("endpoint", "URL"), ("bucket", "NAME"), ("prefix", "PREFIX"), ("access-key", "KEY")):
        variable = f"S3_{name.upper().replace('-', '_')}"
        group.add_argument(f"--s3-{name}", metavar=meta, help=f"or {variable}")
    group.add_argument(
        "--s3-secret-key", metavar="KEY", help="or S3_SECRET_KEY, which a process list does not show"
    )


def _scale(text: str) -> int:
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return value


def _count(text: str) -> int:
    value = _whole(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be at least 0, not {text}")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be more than 0, not {text}")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}") from None
