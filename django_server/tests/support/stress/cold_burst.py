"""Requests many missing thumbnails at once, as a gallery does, and measures the memory of the web process.

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
    """Create `count` completed images without thumbnails in the site, with these files as originals; return the ids."""
    command = [sys.executable, "-m", "tests.support.stress.cold_images", str(count), *map(str, files)]
    made = subprocess.run(
        command, cwd=SERVER_ROOT, env=dict(site.environment), stdout=subprocess.PIPE, text=True, check=True
    )
    ids: list[str] = json.loads(made.stdout)
    return ids


@dataclass(frozen=True)
class Burst:
    """`answers`: the number of responses for each status or failure; `locations`: the targets of the redirects."""

    seconds: float
    answers: Counter[str]
    locations: list[str]

    @property
    def errors(self) -> int:
        """The number of responses that are neither a redirect to a thumbnail nor a 503 with Retry-After."""
        return sum(count for answer, count in self.answers.items() if answer not in ("302", "503"))


async def burst(url: str, ids: Sequence[str], labels: Sequence[str]) -> Burst:
    """Request each label of each image at the same moment; after a 503, again when its Retry-After has passed."""
    answers: Counter[str] = Counter()
    locations: list[str] = []
    paths = [f"/api/thumbnails/{id_}?label={label}" for id_ in ids for label in labels]
    started = time.monotonic()
    # The server closes an idle connection after five seconds, and Retry-After is five seconds: a kept connection
    # could be closed just when the next request is sent on it.
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
            answers["never generated"] += 1

        await asyncio.gather(*(one(path) for path in paths))
    return Burst(time.monotonic() - started, answers, locations)


class MemoryWatch:
    """Measures in a `with` block the peak memory of a process and its descendants, with shared pages counted once.

    In MB of PSS, sampled every 50 ms.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.before_mb = pss_mb(pid)
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
            self.peak_mb = max(self.peak_mb, pss_mb(self.pid))


def pss_mb(pid: int) -> float:
    """The PSS of a process and its descendants now."""
    kilobytes = 0
    for one in (pid, *descendants(pid)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it exited in the meantime
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
            kilobytes += int(text.partition("\nPss:")[2].split()[0])
    return kilobytes / 1024
