"""All thumbnails of a gallery are missing and requested at once: bounded memory, and no errors except 503."""

import httpx
from django.conf import settings

from tests.stress.processing.test_memory_bounds import flat_picture
from tests.support.sites.running_site import RunningSite
from tests.support.stress.cold_burst import MemoryWatch, burst, cold_images

# 40 requests.
IMAGES = 20
LABELS = ("small", "large")
# Per slot: a process of 45 MB, all coefficients of a progressive JPEG of 24 Mpx, 1.5 x 2 bytes a pixel (72 MB), and the
# scaled picture with its copies (20 MB). Per request: a thread, at most 0.3 MB.
# (Without slots the burst would be 20 decodes, 2.7 GB. Measured with two: 200 MB.)
SLOT_MB = 45 + 72 + 20
REQUEST_MB = 0.3


async def test_forty_requests_for_missing_thumbnails_of_24_megapixels_take_bounded_memory_and_are_all_answered(
    stressed_site: RunningSite,
) -> None:
    source = flat_picture(stressed_site.data_dir / "cold.jpg", 6000, 4000, "JPEG", progressive=True)
    ids = cold_images(stressed_site, IMAGES, [source])
    with MemoryWatch(stressed_site.process.child("uvicorn")) as memory:
        result = await burst(stressed_site.url, ids, LABELS)
    growth = memory.peak_mb - memory.before_mb
    print(f"{memory.before_mb:.0f} MB, {growth:.0f} more; {dict(result.answers)} in {result.seconds:.1f} s")
    assert result.errors == 0
    assert result.answers["302"] == IMAGES * len(LABELS)
    assert growth <= settings.RENDER_SLOTS * SLOT_MB + IMAGES * len(LABELS) * REQUEST_MB
    with stressed_site.client() as client:
        assert {client.get(location).status_code for location in result.locations} == {httpx.codes.OK}
    assert list((stressed_site.data_dir / "incoming").iterdir()) == []
    source.unlink()
