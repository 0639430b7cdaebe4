"""`manage.py api_docs`: write the generated parts of docs/api.md from the code; `--check` only compares.

The generated parts are the error codes, the accepted types, the limits and the endpoints. The text between the markers
`<!-- generated: NAME -->` and `<!-- end of NAME -->` is replaced; the rest of the page is written by hand. `make api`
runs the command; `make check` and a test run it with `--check`.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from images.api.router import api
from images.error_codes import ERRORS, ErrorKind
from images.thumbnail_rules import sizes
from imaging import ACCEPTED_MEDIA_TYPES

PAGE = settings.SERVER_ROOT.parent / "docs" / "api.md"


class Command(BaseCommand):
    help = "Write the generated tables of docs/api.md from the code."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Exit 1 if the page differs; write nothing.")
        parser.add_argument("--page", type=Path, default=PAGE, help="The page; by default docs/api.md.")

    def handle(self, *_: Any, check: bool, page: Path, **__: Any) -> None:
        current = page.read_text()
        generated = with_generated_parts(current)
        if check and generated != current:
            raise CommandError(f"{page.name} differs from the code: run `make api`.")
        if not check:
            page.write_text(generated)


def with_generated_parts(text: str) -> str:
    """`text` with each generated part replaced. Raises CommandError when a part has no markers."""
    for name, lines in PARTS.items():
        begin, end = f"<!-- generated: {name} -->\n", f"<!-- end of {name} -->\n"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise CommandError(f"The page does not have the two markers of “{name}” exactly once.")
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        text = "\n".join([before + begin, *lines(), "", end + after])
    return text


def _errors() -> Iterator[str]:
    rows = [
        (f"`{code}`", str(kind.status), kind.sentence, _whether_retry_helps(kind))
        for code, kind in ERRORS.items()
    ]
    yield from _table(("code", "HTTP status", "sentence", "does a retry help"), rows)


def _whether_retry_helps(kind: ErrorKind) -> str:
    if kind.retry_after_seconds is not None:
        return f"yes; `Retry-After: {kind.retry_after_seconds}`"
    return "yes" if kind.status >= 500 else "no"


def _types() -> Iterator[str]:
    yield ", ".join(f"`{media_type}`" for media_type in ACCEPTED_MEDIA_TYPES)


def _limits() -> Iterator[str]:
    numbers = (
        ("bytes_per_file", "MAX_FILE_BYTES"),
        ("bytes_per_request", "MAX_BODY_BYTES"),
        ("files_per_request", "MAX_FILES_PER_REQUEST"),
        ("pixels", "MAX_PIXELS"),
        ("pixels_baseline_jpeg", "MAX_PIXELS_BASELINE_JPEG"),
        ("pixels_progressive_jpeg", "MAX_PIXELS_PROGRESSIVE_JPEG"),
    )
    rows = [(f"`{key}`", f"`{name}`", f"{getattr(settings, name):,}") for key, name in numbers]
    labels = ", ".join(f"{label}: {scale_px:,} px" for label, scale_px in sizes().items())
    yield from _table(("key", "setting", "default"), [*rows, ("`labels`", "`THUMBNAIL_SIZES`", labels)])


def _endpoints() -> Iterator[str]:
    schema: Mapping[str, Any] = api.get_openapi_schema(path_prefix="")
    rows = [
        (
            f"`{method.upper()} {path}`",
            _parameters(operation),
            " ".join(operation.get("description", "").split()),
            ", ".join(sorted(str(status) for status in operation["responses"])),
        )
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    ]
    yield from _table(("request", "parameters", "effect", "status"), rows)


def _parameters(operation: Mapping[str, Any]) -> str:
    """Query parameters, headers and form fields. Path parameters are left out, because they are in the path."""
    parameters = operation.get("parameters", ())
    names = [f"`{parameter['name']}`" for parameter in parameters if parameter["in"] != "path"]
    forms = operation.get("requestBody", {}).get("content", {})
    names += [f"form field `{field}`" for form in forms.values() for field in form["schema"]["required"]]
    return ", ".join(names)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        escaped = (cell.replace("|", "\\|") for cell in cells)
        yield f"| {' | '.join(escaped)} |"


PARTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "error codes": _errors,
    "accepted types": _types,
    "limits": _limits,
    "endpoints": _endpoints,
}
