"""The memory of the web process for large requests is bounded, whatever their size."""

from collections.abc import Iterator

import pytest

from tests.support.images.pictures import jpeg
from tests.support.processes.memory import reset_peak, resident_mb
from tests.support.sites.running_site import RunningSite, wait_until_final

MAX_GROWTH_MB = 60


def body_of(files: int, file_bytes: int) -> Iterator[bytes]:
    """A multipart body of valid JPEGs of `file_bytes` bytes, padded after the end of the image, which is allowed."""
    picture = jpeg(64, 48)
    padding = bytes(min(2**20, file_bytes))
    for index in range(files):
        yield (
            b'--frontier\r\nContent-Disposition: form-data; name="images"; filename="%d.jpg"\r\n\r\n' % index
        )
        yield picture
        left = file_bytes - len(picture)
        while left > 0:
            yield padding[:left]
            left -= len(padding[:left])
        yield b"\r\n"
    yield b"--frontier--\r\n"


@pytest.mark.parametrize(
    ("files", "file_bytes"),
    [(10, 50 * 2**20), (1000, 500_000), (1000, 2_000)],
    ids=["500 MB", "1,000 x 500 KB", "1,000"],
)
def test_a_large_request_takes_bounded_memory_in_the_web_process(
    embedded_site: RunningSite, files: int, file_bytes: int
) -> None:
    web = embedded_site.process.child("uvicorn")
    headers = {"Content-Type": "multipart/form-data; boundary=frontier"}
    with embedded_site.client() as client:
        client.post("/api/async/batch/upload", content=body_of(2, 10_000), headers=headers)
        before = resident_mb(web, "VmRSS")
        reset_peak(web)
        answer = client.post("/api/async/batch/upload", content=body_of(files, file_bytes), headers=headers)
        assert answer.status_code == 202, answer.text[:500]
        assert len(answer.json()["jobs"]) == files
        growth = resident_mb(web, "VmHWM") - before
        assert growth <= MAX_GROWTH_MB
        batch = answer.json()["batch_id"]
        statuses = [image["status"] for image in wait_until_final(client) if image["batch_id"] == batch]
        assert statuses == ["completed"] * files
