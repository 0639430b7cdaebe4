"""The commands of README.md and docs/api.md, and the WebSocket client, run as printed except for the port."""

import json
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
API_PAGE = (ROOT / "docs" / "api.md").read_text()


def blocks(page: str, language: str, site: RunningSite) -> list[str]:
    """The code blocks of a page in one language, with the address of the site under test."""
    found = re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return [block.replace("localhost:8000", site.url.removeprefix("http://")) for block in found]


def run(script: str, folder: Path) -> str:
    """The output of a shell block that is run in `folder`."""
    ran = subprocess.run(
        ["sh", "-c", script], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    return ran.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated photos in `samples/`, as `make samples` leaves the repository."""
    folder = tmp_path_factory.mktemp("readme")
    script = ROOT / "benchmarks" / "samples.py"
    subprocess.run([sys.executable, str(script), "samples", "--count", "3"], cwd=folder, check=True)
    return folder


def test_the_curl_lines_of_the_readme_send_images_and_read_the_list(
    embedded_site: RunningSite, folder: Path
) -> None:
    lines = [
        line
        for block in blocks(README, "sh", embedded_site)
        for line in block.splitlines()
        if line.startswith("curl")
    ]
    assert len(lines) == 4
    responses = [run(line, folder) for line in lines]
    assert [response[:45] for response in responses[:3]] == [
        '{"message":"Image uploaded successfully","ima',
        '{"message":"Images upload initiated","batch_i',
        '{"message":"Batch upload of 2 images initiate',
    ]
    assert responses[3].startswith('[{"id":"')


def test_the_loop_over_pages_reads_every_image(embedded_site: RunningSite, folder: Path) -> None:
    loop, _, _ = blocks(API_PAGE, "sh", embedded_site)
    some = loop.replace("/api/list", "/api/list?limit=2&q=page-", 1)
    names = [f"page-{index}.jpg" for index in range(5)]
    with embedded_site.client() as client:
        for name in names:
            client.post("/api/upload", files={"image": (name, jpeg())})
    assert [line.split()[0] for line in run(some, folder).splitlines()] == names[::-1]


def test_the_repeated_upload_stores_one_image(embedded_site: RunningSite, folder: Path) -> None:
    _, repeat, _ = blocks(API_PAGE, "sh", embedded_site)
    first, second = (json.loads(line) for line in run(repeat, folder).splitlines())
    assert first["message"] == "Image uploaded successfully"
    assert second == first


def test_the_request_for_a_batch_waits_until_the_batch_is_final(
    embedded_site: RunningSite, folder: Path
) -> None:
    _, _, wait = blocks(API_PAGE, "sh", embedded_site)
    batch = json.loads(run(wait, folder))
    assert (batch["final"], batch["counts"]) == (True, {"completed": 1})


def test_the_websocket_client_prints_an_upload(embedded_site: RunningSite, folder: Path) -> None:
    (program,) = blocks(README + API_PAGE, "python", embedded_site)
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
