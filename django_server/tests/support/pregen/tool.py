"""Run `pregen` as a process, on small archives."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

SERVER = Path(__file__).resolve().parents[3]
TOOL = [sys.executable, "-m", "pregen"]


def environment(**more: str) -> dict[str, str]:
    """This process's environment without the variables that locate an archive."""
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
    """Run `python -m pregen ARGUMENTS`. `before`: a wrapper command. `variables`: added to its environment."""
    done = subprocess.run(
        [*before, *TOOL, *map(str, arguments)],
        cwd=SERVER,
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)


def picture(size: tuple[int, int] = (320, 240), form: str = "JPEG", **options: Any) -> bytes:
    memory = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(memory, form, **options)
    return memory.getvalue()


def children_of(pid: int) -> list[int]:
    """All running descendants of the process."""
    ended = suppress(FileNotFoundError, ProcessLookupError)
    tasks: list[Path] = []
    found: list[int] = []
    with ended:
        tasks += Path(f"/proc/{pid}/task").iterdir()
    for task in tasks:
        with ended:
            found += map(int, (task / "children").read_text().split())
    return found + [grandchild for child in found for grandchild in children_of(child)]


class Archive:
    """The folder above the collections."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = root.parent / f"{root.name}.json"

    def path(self, place: str) -> Path:
        """The path of `fungi/originals/0a/x.jpg`."""
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
        """All files below `thumbnails/`, hidden ones too, relative to the folder of the collections."""
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
    """An archive without files."""
    root = tmp_path / "media"
    (root / "attachments").mkdir(parents=True)
    return Archive(root)
