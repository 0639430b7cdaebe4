"""Coalescing: a burst of events is sent in few frames to clients that requested it."""

import json
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from images.live.coalescing import Coalescer
from images.live.events import EventFrame, bounded_slices
from images.live.protocol import FRAME_BYTES, FRAME_IMAGES
from tests.support.live.live_site import Site, frame_of, frames_before_pong, send_frame


def image(number: int, byte_size: int = 100) -> EventFrame:
    text = json.dumps({"job_id": number, "filling": "x" * byte_size})
    return EventFrame(f"{number:032x}", "image", text, len(text))


def removal(number: int) -> EventFrame:
    text = json.dumps({"type": "removed", "job_id": number})
    return EventFrame(f"{number:032x}", "removed", text, len(text))


def numbers_in(frames: list[str]) -> list[int]:
    """The numbers of the images in the frames, after checking that each frame is within the limits."""
    numbers = []
    for frame in frames:
        assert len(frame.encode()) < FRAME_BYTES
        images = json.loads(frame)["images"]
        assert 0 < len(images) <= FRAME_IMAGES
        numbers += [image["job_id"] for image in images]
    return numbers


def test_the_first_image_is_sent_immediately_and_the_others_when_the_window_ends() -> None:
    coalescer = Coalescer()
    assert numbers_in(coalescer.add([image(1)])) == [1]
    assert coalescer.add([image(2)]) == []
    assert coalescer.add([image(3)]) == []
    assert numbers_in(coalescer.end_window()) == [2, 3]
    assert coalescer.is_open
    assert coalescer.end_window() == []
    assert not coalescer.is_open


def test_twenty_five_images_do_not_wait_for_the_window_to_end() -> None:
    coalescer = Coalescer()
    coalescer.add([image(0)])
    assert coalescer.add([image(number) for number in range(1, 25)]) == []
    assert numbers_in(coalescer.add([image(25)])) == list(range(1, 26))


def test_a_removal_is_sent_immediately_and_alone_and_drops_earlier_events_of_its_image() -> None:
    coalescer = Coalescer()
    coalescer.add([image(0)])
    coalescer.add([image(1), image(2)])
    assert coalescer.add([removal(1)]) == [removal(1).text]
    assert numbers_in(coalescer.end_window()) == [2]


@given(st.lists(st.lists(st.integers(1, 70_000), max_size=40), max_size=8))
def test_every_image_is_sent_once_whatever_the_sizes(bursts: list[list[int]]) -> None:
    coalescer = Coalescer()
    frames, sent = [], 0
    for burst in bursts:
        items = [image(sent + number, min(size, 40_000)) for number, size in enumerate(burst)]
        sent += len(items)
        frames += coalescer.add(items)
    frames += coalescer.end_window()
    assert sorted(numbers_in(frames)) == list(range(sent))


@given(st.lists(st.integers(0, 200)), st.integers(1, 10), st.integers(1, 300))
def test_packing_keeps_the_order_and_the_bounds(sizes: list[int], max_count: int, max_bytes: int) -> None:
    runs = [sizes[run] for run in bounded_slices(sizes, max_count, max_bytes)]
    assert [size for run in runs for size in run] == sizes
    assert all(0 < len(run) <= max_count and (len(run) == 1 or sum(run) <= max_bytes) for run in runs)


async def test_a_coalescing_client_gets_a_batch_in_few_frames_and_every_image(site: Site) -> None:
    batch = str(uuid4())
    ids = site.actor.create_images(count=100, batch=batch)
    async with site.connect() as client:
        await frame_of(client)
        await send_frame(client, type="subscribe", batch_id=batch, coalesce=True)
        while not (await frame_of(client))["last"]:
            pass
        site.actor.change_status(ids=ids, status="processing")
        frames = 0
        received: list[str] = []
        while len(received) < 100:
            frame = await frame_of(client)
            assert frame["type"] == "send_upload_notifications"
            assert {image["type"] for image in frame["images"]} == {"send_upload_notification"}
            received += [image["job_id"] for image in frame["images"]]
            frames += 1
        assert sorted(received) == sorted(ids)
        assert frames <= 5
        site.actor.delete(ids=ids[:2])
        removed = [await frame_of(client), await frame_of(client)]
        assert {(frame["type"], frame["job_id"]) for frame in removed} == {
            ("removed", one) for one in ids[:2]
        }
        await send_frame(client, type="subscribe", batch_id=batch, coalesce=False)
        while not (await frame_of(client)).get("last"):
            pass
        # After the snapshot, for a client that was disconnected when they were deleted.
        assert {(await frame_of(client))["type"] for _ in range(2)} == {"removed"}
        site.actor.change_status(ids=ids[2:4], status="completed")
        assert {(await frame_of(client))["type"] for _ in range(2)} == {"send_upload_notification"}
        assert await frames_before_pong(client) == []
