"""The command line: options, their help, and what argparse can refuse by itself. Used by `cli`."""

import argparse
from pathlib import Path

from pregen.cpu_count import cores

REPORTS = ("summary", "detailed", "plan", "missing", "sizes")

_ABOUT = """\
Thumbnails for an archive of images that is there already: a folder, or a bucket on S3.

    {root or bucket}/{prefix}/{collection}/originals/.../{name}.{ext}
    {root or bucket}/{prefix}/{collection}/thumbnails/.../{name}_{scale}.{ext}

  1. scan       lists what is there into a manifest (JSON). Opens no image.
  2. report     tells what the manifest says: how many lack a thumbnail, how long it would take.
  3. generate   makes what is missing. Originals are never changed. Stopped at any moment, the same
                command goes on where it was.
"""
_EXAMPLES = """\
examples:
  pregen scan --local-root /srv/media -o media.json
  pregen report -m media.json -t plan -s 240 -c 0
  pregen generate -m media.json -s 240 -s 1024 -c 0

  S3_ACCESS_KEY=... S3_SECRET_KEY=... pregen scan --s3-endpoint https://s3.example.org --s3-bucket photos

exit codes: 0 done, or nothing to do; 1 something failed, or can't be done; 2 wrong usage;
            130 stopped by Ctrl+C, 143 by SIGTERM
"""


def parse(argv: list[str] | None) -> argparse.Namespace | None:
    """The options; None, after the help, where there is no command. Ends the process, with 2, for wrong usage."""
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.command is None:
        parser.print_help()
        return None
    files = getattr(options, "manifest", None)
    if files is not None:
        if len(files) > 1:
            parser.error(f"-m takes one manifest, not {len(files)}. Did the shell expand a pattern?")
        options.manifest = files[0]
    return options


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "pregen", description=_ABOUT, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-v", "--verbose", action="store_true", default=False, help="tell more in the log")
    commands = parser.add_subparsers(dest="command", metavar="{scan,generate,report}")
    _scan(commands.add_parser("scan", help="write a manifest of what is there", allow_abbrev=False))
    _generate(commands.add_parser("generate", help="make what is missing", allow_abbrev=False))
    _report(commands.add_parser("report", help="tell what a manifest says", allow_abbrev=False))
    return parser


def _scan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("manifest.json"), help="default: %(default)s"
    )
    _collection(parser, "all but `uploads`, which the server keeps itself")
    parser.add_argument("--limit", type=_count, metavar="N", help="list N images at most; 0: none")
    _lines(parser)
    _storage(parser)


def _generate(parser: argparse.ArgumentParser) -> None:
    _manifest(parser)
    parser.add_argument(
        "-s", "--size", type=_scale, action="append", metavar="PX", dest="sizes",
        help="longest edge of a thumbnail; several -s are made of one decode (default: 200)",
    )  # fmt: skip
    _cadence(parser)
    _collection(parser, "all of the manifest")
    parser.add_argument(
        "--resume", metavar="NAME", help="leave out file names that sort before NAME, in each collection"
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="tell what would be made; open no image")
    parser.add_argument("-f", "--force", action="store_true", help="use a manifest older than 24 hours")
    parser.add_argument("--limit", type=_count, metavar="N", help="try N images at most; 0: none")
    _lines(parser)
    work = parser.add_argument_group("work")
    work.add_argument(
        "--workers",
        type=_scale,
        metavar="N",
        default=cores(),
        help="processes that decode (default: one per core)",
    )
    work.add_argument(
        "--distribute", action="store_true",
        help="let Celery workers do it: those of the server, queue `bulk`; they must see the same root",
    )  # fmt: skip
    work.add_argument("--broker", metavar="URL", help="their Redis (default: REDIS_URL)")
    work.add_argument(
        "--lost-after", type=_seconds, metavar="SECONDS", default=90.0,
        help="give a chunk to another worker after such a silence (default: %(default)g)",
    )  # fmt: skip
    work.add_argument(
        "--skip-existing", action=argparse.BooleanOptionalAction, default=True,
        help="look first whether the thumbnail is there by now (default: yes)",
    )  # fmt: skip
    work.add_argument(
        "--tiff-as", choices=("original", "png"), default="original",
        help="thumbnails of .tif, .tiff and .bmp: JPEG under the original's name, or PNG as .png",
    )  # fmt: skip
    memory = parser.add_argument_group("memory of the run")
    memory.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="the journal (default: one per size beside the manifest)",
    )
    memory.add_argument("--no-checkpoint", action="store_true", help="keep none")
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
        help="thumbnails of which longest edge (default: 200; in a summary, of any)",
    )  # fmt: skip
    _cadence(parser)
    parser.add_argument("--all", action="store_true", help="with -t missing: every line, not the first 100")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of text")
    _verbose(parser)


def _manifest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-m",
        "--manifest",
        nargs="+",
        type=Path,
        required=True,
        metavar="FILE",
        help="what a scan has written",
    )


def _cadence(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-c", "--cadence", type=float, default=1.0, metavar="SECONDS",
        help="start at most one image in so many seconds, to spare the server; 0: as fast as it goes "
        "(default: %(default)s)",
    )  # fmt: skip


def _collection(parser: argparse.ArgumentParser, otherwise: str) -> None:
    parser.add_argument(
        "--collection", action="append", default=[], metavar="NAME", dest="collections",
        help=f"only this one; may be repeated (default: {otherwise})",
    )  # fmt: skip


def _lines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="errors only")
    parser.add_argument("--show-files", action="store_true", help="a line for each image")
    parser.add_argument("--json", action="store_true", help="one object on stdout instead of text")
    _verbose(parser)


def _verbose(parser: argparse.ArgumentParser) -> None:
    # Suppressed: else the sub-command's default would undo a -v before it.
    parser.add_argument(
        "-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help="tell more in the log"
    )


def _storage(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "where the images are", "A non-empty option wins over its environment variable."
    )
    group.add_argument("--local-root", metavar="PATH", help="a folder; wins over S3")
    group.add_argument(
        "--local-prefix", metavar="PREFIX", help="folder of the collections (default: attachments)"
    )
    for name, meta in (("endpoint", "URL"), ("bucket", "NAME"), ("prefix", "PREFIX"), ("access-key", "KEY")):
        variable = f"S3_{name.upper().replace('-', '_')}"
        group.add_argument(f"--s3-{name}", metavar=meta, help=f"or {variable}")
    group.add_argument(
        "--s3-secret-key", metavar="KEY", help="or S3_SECRET_KEY, which a list of processes does not show"
    )


def _scale(text: str) -> int:
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"it is at least 1, not {text}")
    return value


def _count(text: str) -> int:
    value = _whole(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"it is at least 0, not {text}")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"it is more than 0, not {text}")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"it is a whole number, not {text!r}") from None
