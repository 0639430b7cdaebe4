"""Stored files served by the embedded server: their media types and how long they may be cached."""

import pytest

from tests.support.images.pictures import jpeg
from tests.support.sites.running_site import RunningSite


@pytest.mark.parametrize(
    ("key", "media_type"),
    [
        ("attachments/fungi/thumbnails/0a/a_200.tif", "image/jpeg"),
        ("attachments/fungi/thumbnails/0a/A_200.TIFF", "image/jpeg"),
        ("attachments/fungi/thumbnails/a_200.bmp", "image/jpeg"),
        ("attachments/fungi/thumbnails/a_200.png", "image/png"),
        ("attachments/fungi/originals/a.tif", "image/tiff"),
        ("attachments/fungi/originals/a.bmp", "image/bmp"),
    ],
)
def test_a_thumbnail_of_a_format_that_no_browser_shows_is_served_as_jpeg(
    embedded_site: RunningSite, key: str, media_type: str
) -> None:
    path = embedded_site.data_dir / "media" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg())
    with embedded_site.client() as client:
        answer = client.get(f"/media/{key}", params={"v": "1"})
        part = client.get(f"/media/{key}", headers={"Range": "bytes=0-3"})
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (part.status_code, part.content) == (206, jpeg()[:4])
    path.unlink()
