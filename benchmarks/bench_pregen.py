"""The cost of pregen against the plainest tools that do a part of its work: the `pregen` rows.

    python benchmarks/run.py pregen

Each comparison is interleaved in one run. CPU is that of the process and all its children; medians. Needs `find`, and
`vipsthumbnail` (Debian: libvips-tools) for one row.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from results import Row, at_most, reported
from rounds import rounds_of
from scenes import make_photo

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.support.servers import free_port

_HERE = Path(__file__).resolve().parent
_SERVER = _HERE.parent / "django_server"
_TOOL = [sys.executable, "-m", "pregen"]
_PR_SET_CHILD_SUBREAPER = 36

ROUNDS = rounds_of(20.0)  # seconds of one of the larger repetitions
_FILES = 300_000  # half of them thumbnails
_PHOTOS = 150  # of 12 megapixels
_OBJECTS = 1_500  # of 1 megapixel
_LATENCY_MS = 20


@dataclass(frozen=True)
class Cost:
    """The cost of one command and all its children, in seconds."""

    wall: float
    cpu: float
    out: str


def run(command: list[str]) -> Cost:
    """Raises CalledProcessError."""
    others = _children()
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=_SERVER, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - started
    while left_behind := _children() - others:  # children of this process now: see `measure`
        for pid in left_behind:
            os.waitpid(pid, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, done.stdout)


def _children() -> set[int]:
    """The pids of this process's children, zombies included; under `make bench` some existed before."""
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def _median(costs: list[Cost], what: Callable[[Cost], float]) -> float:
    return statistics.median(what(cost) for cost in costs)


def _cpu(cost: Cost) -> float:
    return cost.cpu


def _wall(cost: Cost) -> float:
    return cost.wall


def measure_scan(folder: Path) -> list[Row]:
    root = folder / "tree"
    _create_tree(root)
    found: dict[str, list[Cost]] = {"find": [], "scan": []}
    for _ in range(ROUNDS):
        found["find"].append(run(["find", str(root / "attachments"), "-printf", "%s %T@ %p\\n"]))
        scan = [*_TOOL, "scan", "--local-root", str(root), "-o", str(folder / "tree.json"), "-q"]
        found["scan"].append(run(scan))
    ours, plain = _median(found["scan"], _cpu), _median(found["find"], _cpu)
    about = f"scan of {_FILES:,} files, CPU against find"
    return [
        at_most("pregen", about, ours / plain, 2.5),
        reported("pregen", "scan, CPU", ours, "s"),
        reported("pregen", "find, CPU", plain, "s"),
    ]


def _create_tree(root: Path) -> None:
    """Originals and thumbnails, spread by two pairs of hex digits. Hard links, because they are fast to create."""
    made: set[str] = set()
    source = root / "source"
    for number in range(_FILES // 2):
        if number % 30_000 == 0:  # file systems limit the links of one file
            root.mkdir(exist_ok=True)
            source = root / f"source{number}"
            source.write_bytes(bytes(1_000))
        name = hashlib.sha256(str(number).encode()).hexdigest()[:32]
        for kind, tail in (("originals", ""), ("thumbnails", "_200")):
            place = f"{root}/attachments/fungi/{kind}/{name[:2]}/{name[2:4]}"
            if place not in made:
                os.makedirs(place)  # noqa: PTH103
                made.add(place)
            os.link(source, f"{place}/{name}{tail}.jpg")


def measure_memory(folder: Path) -> list[Row]:
    peaks: dict[int, list[int]] = {}
    for records in (10_000, 1_000_000):
        manifest = folder / f"{records}.json"
        made_up = [sys.executable, str(_HERE / "pregen_subjects.py"), "scan", str(records), str(manifest)]
        plan = [*_TOOL, "report", "-m", str(manifest), "-t", "sizes", "-s", "400"]
        dry_run = [*_TOOL, "generate", "-m", str(manifest), "-n", "-s", "400", "-q"]
        peaks[records] = [_peak_kilobytes(command) for command in (made_up, plan, dry_run)]
        manifest.unlink()
    rows = []
    for name, few, many in zip(("scan", "report", "generate -n"), *peaks.values(), strict=True):
        grown = (many - few) / 1024
        about = f"{name}, memory of 1,000,000 records over that of 10,000"
        rows.append(at_most("pregen", about, grown, 30, "MB"))
    return rows


def _peak_kilobytes(command: list[str]) -> int:
    program = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], cwd=_SERVER, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def measure_generate(folder: Path) -> list[Row]:
    photos = _photos(folder)
    found: dict[str, list[Cost]] = {"vips": [], "1": [], "2": []}
    for number in range(ROUNDS):
        if shutil.which("vipsthumbnail"):
            out = folder / f"vips{number}"
            out.mkdir()
            sources = map(str, sorted((photos / "attachments/fungi/originals").iterdir()))
            found["vips"].append(
                run(["vipsthumbnail", "-s", "200", "-o", f"{out}/%s_200.jpg[Q=85]", *sources])
            )
        for workers in ("1", "2"):
            shutil.rmtree(photos / "attachments/fungi/thumbnails", ignore_errors=True)
            manifest = folder / f"photos{workers}{number}.json"
            run([*_TOOL, "scan", "--local-root", str(photos), "-o", str(manifest), "-q"])
            found[workers].append(
                run([*_TOOL, "generate", "-m", str(manifest), "-c", "0", "--workers", workers])
            )
    two, one = _median(found["2"], _wall), _median(found["1"], _wall)
    ours = _median(found["1"], _cpu) / _PHOTOS
    rows = [
        at_most("pregen", "generate, wall, two workers to one", two / one, 0.6),
        reported("pregen", "generate, CPU per 12-megapixel JPEG", ours * 1e3, "ms"),
    ]
    if found["vips"]:
        vips = _median(found["vips"], _cpu) / _PHOTOS
        rows += [
            at_most("pregen", "generate, CPU against vipsthumbnail", ours / vips, 1),
            reported("pregen", "vipsthumbnail, CPU per JPEG", vips * 1e3, "ms"),
        ]
    return rows


def _photos(folder: Path) -> Path:
    root = folder / "photos"
    originals = root / "attachments/fungi/originals"
    originals.mkdir(parents=True)
    contents = []
    for seed in range(3):
        memory = io.BytesIO()
        make_photo(4000, 3000, seed=seed, grain=9).save(memory, "JPEG", quality=92)
        contents.append(memory.getvalue())
    for number in range(_PHOTOS):
        path = originals / f"{number:03}.jpg"
        if number < len(contents):
            path.write_bytes(contents[number])
        else:
            os.link(originals / f"{number % len(contents):03}.jpg", path)
    return root


def measure_s3(folder: Path) -> list[Row]:
    port = free_port()
    server = subprocess.Popen([sys.executable, str(_HERE / "slow_s3.py"), str(port), str(_LATENCY_MS)])
    endpoint = f"http://127.0.0.1:{port}"
    try:
        return _measure_s3(folder, endpoint)
    finally:
        server.kill()
        server.wait()


def _measure_s3(folder: Path, endpoint: str) -> list[Row]:
    memory = io.BytesIO()
    make_photo(1200, 900, seed=5, grain=9).save(memory, "JPEG", quality=88)
    time.sleep(1)
    found: dict[str, list[float]] = {"transfer": [], "thumbnails": [], "ours": []}
    bucket = f"{endpoint}/photos"

    def put(index: int) -> None:
        place = f"{bucket}/attachments/fungi/originals/{index:05}.jpg"
        request = urllib.request.Request(place, memory.getvalue(), method="PUT")  # noqa: S310
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, range(_OBJECTS)))
    manifest, keys = str(folder / "s3.json"), ["--s3-access-key", "k", "--s3-secret-key", "s"]
    _timed([*_TOOL, "scan", "-o", manifest, "-q", "--s3-endpoint", endpoint, "--s3-bucket", "photos", *keys])
    for number in range(ROUNDS):
        # Whole processes: each one imports boto3 and opens its connections.
        for subject in ("transfer", "thumbnails"):
            program = [sys.executable, str(_HERE / "pregen_subjects.py"), subject]
            found[subject].append(_timed([*program, endpoint, "photos", str(_OBJECTS)])[0])
        size = str(200 + number)  # another one in each round
        taken, out = _timed([*_TOOL, "generate", "-m", manifest, "-c", "0", "-s", size, "--json", *keys])
        made = json.loads(out)["generated"]
        if made != _OBJECTS:
            raise RuntimeError(f"generate made {made} of {_OBJECTS}")
        found["ours"].append(taken)
    seconds, bare, plain = (
        statistics.median(found[subject]) for subject in ("ours", "transfer", "thumbnails")
    )
    size = f"{_OBJECTS:,} objects of {len(memory.getvalue()) / 1e6:.1f} MB"
    about = f"S3 at {_LATENCY_MS} ms, {size}, wall against bare get + put"
    return [
        at_most("pregen", about, seconds / bare, 1.3),
        reported("pregen", "S3, wall against get + Pillow + put in two processes", seconds / plain, "x"),
        reported("pregen", "S3, generate", _OBJECTS / seconds, "/s"),
        reported("pregen", "S3, bare get + put", _OBJECTS / bare, "/s"),
    ]


def _timed(command: list[str]) -> tuple[float, str]:
    """Wall seconds and output of the command, while the S3 server runs as another child."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=_SERVER, capture_output=True, text=True, check=True)
    return time.perf_counter() - started, done.stdout


MEASUREMENTS = (measure_scan, measure_memory, measure_generate, measure_s3)


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    # Processes that outlive their parent become children of this one, and their CPU is counted.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    rows: list[Row] = []
    try:
        for measurement in MEASUREMENTS:
            with tempfile.TemporaryDirectory(prefix="pregen-benchmark-") as folder:
                rows += measurement(Path(folder))
    finally:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    missing = (
        "" if shutil.which("vipsthumbnail") else " vipsthumbnail (libvips-tools) is missing, and its row."
    )
    return rows, (
        f"Median of {ROUNDS}, interleaved, on {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f} at the end."
        f"{missing}"
    )
