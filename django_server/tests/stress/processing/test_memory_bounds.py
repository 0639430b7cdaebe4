"""Memory is bounded by the accepted pixels, and a worker child above its memory limit is replaced."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fixtures.sites import new_database
from tests.support.images.pictures import jpeg
from tests.support.processes.process_tree import command_line, descendants, eventually
from tests.support.servers import redis_server
from tests.support.servers.run_servers import RunServers
from tests.support.sites.running_site import RunningSite, running_site
from tests.support.sites.started_site import SERVER_ROOT

# Generated in a process of its own: 250 megapixels are 750 MB before they are encoded.
MAKE = """
import sys
from PIL import Image
Image.MAX_IMAGE_PIXELS = None
name, width, height, format, options = sys.argv[1:]
Image.new("RGB", (int(width), int(height)), "teal").save(name, format, **eval(options))
"""


def flat_picture(path: Path, width: int, height: int, format_: str, **options: object) -> Path:
    words = [str(path), str(width), str(height), format_, repr(options)]
    subprocess.run([sys.executable, "-c", MAKE, *words], check=True, timeout=120)
    return path


# For each kind the largest accepted size, and the megabytes that rendering it may take above a small image.
LARGEST: dict[str, tuple[int, int, str, dict[str, object], int]] = {
    # 100 Mpx decoded whole, at three bytes each and Pillow's padding to four: 381 MB.
    "PNG of 100 Mpx": (10_000, 10_000, "PNG", {"compress_level": 1}, 500),
    # Decoded at an eighth, which is 1/64 of the pixels.
    "baseline JPEG of 250 Mpx": (15_800, 15_800, "JPEG", {}, 150),
    # All coefficients of all scans are in memory: 2 bytes x 1.5 a pixel are 172 MB.
    "progressive JPEG of 60 Mpx": (7_700, 7_700, "JPEG", {"progressive": True}, 350),
}


@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_accepted_picture_renders_in_bounded_memory(kind: str, tmp_path: Path) -> None:
    width, height, format_, options, max_mb = LARGEST[kind]
    source = flat_picture(tmp_path / "picture", width, height, format_, **options)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.stress.rendering_apart", str(source)],
        cwd=SERVER_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    measured = json.loads(ended.stdout)
    print(f"{kind}: {measured['peak'] - measured['before']:.0f} MB above {measured['before']:.0f} MB")
    assert measured["width"] == width
    assert measured["peak"] - measured["before"] <= max_mb


def pool_children(site: RunningSite) -> set[int]:
    """The worker's children, without the worker itself."""
    worker = site.process.child("celery", " worker ")
    return {pid for pid in descendants(worker) if "celery" in command_line(pid)}


def test_a_worker_child_above_its_limit_is_replaced_and_loses_no_image(
    run_postgres: RunServers, tmp_path: Path
) -> None:
    # More than a child has when it starts, less than it has with a PNG of 59 Mpx, which takes 177 MB more.
    cap_kilobytes = 200 * 1024
    large = flat_picture(tmp_path / "large.png", 7_700, 7_700, "PNG", compress_level=1)
    with redis_server() as redis:
        settings = {
            "DATABASE_URL": new_database(run_postgres, "capped"),
            "REDIS_URL": redis.url,
            "SECRET_KEY": "for tests only",
            "WORKER_PROCESSES": "1",
            "WORKER_CHILD_KILOBYTES": str(cap_kilobytes),
        }
        with running_site(tmp_path / "site", settings) as site, site.client() as client:
            # The site is ready as soon as it accepts; its worker may still be starting.
            assert eventually(lambda: len(pool_children(site)) == 1)
            (first,) = pool_children(site)

            def final_status_of(name: str, content: bytes) -> str:
                files = [("images", (name, content))]
                batch = client.post("/api/async/upload", files=files).json()["batch_id"]
                (image,) = client.get(f"/api/batches/{batch}", params={"wait": 60}).json()["images"]
                return str(image["status"])

            assert final_status_of("small.jpg", jpeg()) == "completed"
            assert pool_children(site) == {first}
            assert final_status_of("large.png", large.read_bytes()) == "completed"
            assert eventually(
                lambda: len(pool_children(site) - {first}) == 1 and first not in pool_children(site)
            )
            assert final_status_of("small.jpg", jpeg()) == "completed"
