"""The tool as a process, and archives small enough to look at."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.servers import S3, s3_server

SERVER = Path(__file__).resolve().parents[2]
TOOL = [sys.executable, "-m", "pregen"]


def environment(**more: str) -> dict[str, str]:
    """This process's, without what would tell the tool where its images are."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("S3_", "REDIS_", "AWS_"))
    }
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **more}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    log: str


def pregen(
    *arguments: object, before: tuple[str, ...] = (), variables: Mapping[str, str] | None = None
) -> Ran:
    """`python -m pregen ARGUMENTS`, to its end. `before`: a command that runs it; `variables` of its environment."""
    done = subprocess.run(
        [*before, *TOOL, *map(str, arguments)],
        cwd=SERVER,
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def picture(size: tuple[int, int] = (320, 240), form: str = "JPEG", **options: Any) -> bytes:
    memory = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(memory, form, **options)
    return memory.getvalue()


def child_specs_of(pid: int) -> list[int]:
    """All that the process has started, and what those have; but for what has ended meanwhile."""
    ended = suppress(FileNotFoundError, ProcessLookupError)
    tasks: list[Path] = []
    found: list[int] = []
    with ended:
        tasks += Path(f"/proc/{pid}/task").iterdir()
    for task in tasks:
        with ended:
            found += map(int, (task / "children").read_text().split())
    return found + [grandchild for child in found for grandchild in child_specs_of(child)]


class Archive:
    """A folder below which collections are."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = root.parent / f"{root.name}.json"

    def path(self, place: str) -> Path:
        """`fungi/originals/0a/x.jpg` → its path."""
        return self.root / "attachments" / place

    def put(self, place: str, content: bytes | None = None) -> Path:
        path = self.path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture() if content is None else content)
        return path

    def scan(self, *more: object, before: tuple[str, ...] = ()) -> Ran:
        return pregen("scan", "--local-root", self.root, "-o", self.manifest, *more, before=before)

    def generate(self, *more: object, before: tuple[str, ...] = ()) -> Ran:
        return pregen("generate", "-m", self.manifest, "-c", "0", *more, before=before)

    def report(self, *more: object) -> Ran:
        return pregen("report", "-m", self.manifest, *more)

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.manifest.read_text())
        return found

    def thumbnails(self) -> list[str]:
        """All files below `thumbnails/`, relative to the collections' folder; hidden ones too."""
        top = self.root / "attachments"
        return sorted(str(path.relative_to(top)) for path in top.glob("*/thumbnails/**/*") if path.is_file())

    def journal(self, scale: int = 200) -> list[dict[str, Any]]:
        path = self.manifest.with_name(f"{self.manifest.name}.{scale}.journal")
        return [json.loads(line) for line in path.read_text().splitlines()]

    def size(self, place: str) -> tuple[str | None, tuple[int, int]]:
        with Image.open(self.path(place)) as image:
            return image.format, image.size


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Empty but for its top folder."""
    root = tmp_path / "media"
    (root / "attachments").mkdir(parents=True)
    return Archive(root)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server
