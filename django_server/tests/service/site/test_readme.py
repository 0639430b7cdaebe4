"""The README is true to the letter: its commands and its WebSocket client are run as they stand, but for the port."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.images.pictures import jpeg
from tests.support.sites.running_site import RunningSite

ROOT = Path(__file__).resolve().parents[4]
README = (ROOT / "README.md").read_text()


def blocks(language: str, site: RunningSite) -> list[str]:
    """The README's code blocks of a language, pointed at the site under test."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    return [block.replace("localhost:8000", site.url.removeprefix("http://")) for block in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated photos in `samples/`, as `make samples` leaves the repository."""
    folder = tmp_path_factory.mktemp("readme")
    script = ROOT / "benchmarks" / "samples.py"
    subprocess.run([sys.executable, str(script), "samples", "--count", "3"], cwd=folder, check=True)
    return folder


def test_its_curl_lines_send_images_and_read_the_list(embedded_site: RunningSite, folder: Path) -> None:
    lines = [
        line
        for block in blocks("sh", embedded_site)
        for line in block.splitlines()
        if line.startswith("curl")
    ]
    answers = [
        subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=True).stdout
        for line in lines
    ]
    assert [answer[:45] for answer in answers[:3]] == [
        '{"message":"Image uploaded successfully","ima',
        '{"message":"Images upload initiated","batch_i',
        '{"message":"Batch upload of 2 images initiate',
    ]
    assert answers[3].startswith('[{"id":"')


def test_its_loop_over_pages_reads_every_image(embedded_site: RunningSite, folder: Path) -> None:
    (loop,) = [block for block in blocks("sh", embedded_site) if "while" in block]
    some = loop.replace("/api/list", "/api/list?limit=2&q=page-", 1)
    names = [f"page-{index}.jpg" for index in range(5)]
    with embedded_site.client() as client:
        for name in names:
            client.post("/api/upload", files={"image": (name, jpeg())})
    read = subprocess.run(
        ["sh", "-c", some], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    assert [line.split()[0] for line in read.stdout.splitlines()] == names[::-1]


def test_its_websocket_client_hears_of_an_upload(embedded_site: RunningSite, folder: Path) -> None:
    (program,) = blocks("python", embedded_site)
    assert len(program.strip().splitlines()) <= 21
    (folder / "watch.py").write_text(program)
    with (
        subprocess.Popen(
            [sys.executable, "watch.py"], cwd=folder, stdout=subprocess.PIPE, text=True
        ) as watching,
        embedded_site.client() as client,
    ):
        assert watching.stdout
        time.sleep(2)
        client.post("/api/upload", files={"image": ("watched.jpg", jpeg())})
        line = ""
        while not line.startswith("watched.jpg completed"):
            line = watching.stdout.readline()
        watching.terminate()
    with embedded_site.client() as client:
        assert client.get(line.split()[2]).headers["content-type"] == "image/jpeg"
