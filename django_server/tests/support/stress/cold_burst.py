"""Many cold thumbnails asked for at once, as a gallery does, and what that takes of the web process's memory.

Used by the stress test and by the benchmark `cold`.
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.support.processes.process_tree import descendants
from tests.support.sites.running_site import RunningSite
from tests.support.sites.started_site import SERVER_ROOT

SAMPLE_SECONDS = 0.05
PATIENCE_SECONDS = 240.0


def cold_images(site: RunningSite, count: int, files: Sequence[Path]) -> list[str]:
    """The ids of so many completed images without thumbnails, their originals these files, now in the site."""
    command = [sys.executable, "-m", "tests.support.stress.cold_images", str(count), *map(str, files)]
    made = subprocess.run(
        command, cwd=SERVER_ROOT, env=dict(site.environment), stdout=subprocess.PIPE, text=True, check=True
    )
    ids: list[str] = json.loads(made.stdout)
    return ids


@dataclass(frozen=True)
class Burst:
    """`answers`: how often each status (or failure) came; `locations`: where the redirects lead."""

    seconds: float
    answers: Counter[str]
    locations: list[str]

    @property
    def errors(self) -> int:
        """Answers that are neither a thumbnail's place nor a 503 that says when to come again."""
        return sum(count for answer, count in self.answers.items() if answer not in ("302", "503"))


async def burst(url: str, ids: Sequence[str], labels: Sequence[str]) -> Burst:
    """Ask for each label of each image at the same moment; where that is put off, again when it was said."""
    answers: Counter[str] = Counter()
    locations: list[str] = []
    paths = [f"/api/thumbnails/{id_}?label={label}" for id_ in ids for label in labels]
    started = time.monotonic()
    # Kept alive, a connection could be closed by the server's five seconds just when a 503's five are over.
    limits = httpx.Limits(max_connections=len(paths), max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60, trust_env=False) as client:

        async def one(path: str) -> None:
            while time.monotonic() < started + PATIENCE_SECONDS:
                try:
                    answer = await client.get(path)
                except httpx.HTTPError as error:
                    answers[type(error).__name__] += 1
                    return
                retry_after = answer.headers.get("retry-after", "")
                known = answer.status_code != 503 or retry_after.isdigit()
                answers[str(answer.status_code) if known else "503 without Retry-After"] += 1
                if answer.status_code == 302:
                    locations.append(answer.headers["location"])
                if answer.status_code != 503 or not known:
                    return
                await asyncio.sleep(int(retry_after))
            answers["never made"] += 1

        await asyncio.gather(*(one(path) for path in paths))
    return Burst(time.monotonic() - started, answers, locations)


class MemoryWatch:
    """In a `with` block: the most that a process and all it started hold together, shared pages counted once.

    MB of PSS, looked at every 50 ms.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.before_mb = held_mb(pid)
        self.peak_mb = self.before_mb
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.peak_mb = max(self.peak_mb, held_mb(self.pid))


def held_mb(pid: int) -> float:
    """The PSS of a process and its descendants now."""
    kilobytes = 0
    for one in (pid, *descendants(pid)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
            kilobytes += int(text.partition("\nPss:")[2].split()[0])
    return kilobytes / 1024
