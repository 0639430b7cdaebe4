"""A client that merges ends in the database's state: any loss, repetition and order on the way, plus one snapshot."""

import json
from dataclasses import dataclass
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import event, given

from images.live.coalescing import Coalescer
from images.live.events import EventFrame
from images.live.protocol import event_frames, snapshot_frame
from images.serializers import removed_json
from tests.support.fuzz.effort import search
from tests.support.live.merging import MergedView, State

BATCH = UUID(int=0)
STATUSES = ("pending", "processing", "completed", "error", "aborted")
PAGE_IMAGES = 2


@dataclass(frozen=True)
class Change:
    """One row's change. Status None: the row was deleted."""

    job: UUID
    version: int
    status: str | None

    def event(self) -> EventFrame:
        if self.status is None:
            text = json.dumps(removed_json(self.job, self.version))
            return EventFrame(self.job.hex, "removed", text, len(text))
        told = {"type": "send_upload_notification", **image(self.job, self.version, self.status)}
        text = json.dumps(told)
        return EventFrame(self.job.hex, "image", text, len(text))


def image(job: UUID, version: int, status: str) -> dict[str, object]:
    return {"job_id": str(job), "version": version, "status": status}


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """What happened to up to four rows, in the order in which it was committed."""
    versions: dict[UUID, int] = {}
    gone: set[UUID] = set()
    history = []
    for number, status in draw(
        st.lists(st.tuples(st.integers(1, 4), st.sampled_from((*STATUSES, None))), max_size=24)
    ):
        job = UUID(int=number)
        if job in gone or (status is None and job not in versions):
            continue
        versions[job] = versions.get(job, 0) + 1
        history.append(Change(job, versions[job], status))
        if status is None:
            gone.add(job)
    return history


def state_after(history: list[Change]) -> State:
    state: State = {}
    for change in history:
        if change.status is None:
            del state[str(change.job)]
        else:
            state[str(change.job)] = (change.version, change.status)
    return state


def shown_at(history: list[Change]) -> list[str]:
    """The snapshot's frames, in pages, and then the removals, as `replays.batch_snapshot` has them."""
    images = [
        json.dumps(image(UUID(job), *told))
        for job, told in sorted(state_after(history).items(), reverse=True)
    ]
    pages = [images[at : at + PAGE_IMAGES] for at in range(0, len(images), PAGE_IMAGES)] or [[]]
    frames = [
        snapshot_frame(BATCH, page, {}, number, number == len(pages), "1")
        for number, page in enumerate(pages, start=1)
    ]
    return frames + [change.event().text for change in history if change.status is None]


@search(400, a_second=400)
@given(history=histories(), coalesce=st.booleans(), data=st.data())
def test_a_merging_client_ends_in_the_databases_state(
    history: list[Change], coalesce: bool, data: st.DataObject
) -> None:
    shown_after = data.draw(st.integers(0, len(history)), label="the snapshot is of the state after")
    # Before the snapshot anything may be lost; after it, all is told again until it arrives.
    losable, sure = history[:shown_after], history[shown_after:]
    heard = data.draw(st.lists(st.sampled_from(losable), max_size=12)) if losable else []
    again = data.draw(st.lists(st.sampled_from(sure), max_size=6)) if sure else []
    arriving = data.draw(st.permutations([*heard, *sure, *again]), label="arriving")
    messages = []
    while arriving:
        size = data.draw(st.integers(1, len(arriving)), label="messages of")
        messages.append([change.event() for change in arriving[:size]])
        arriving = arriving[size:]
    frames = frames_of(messages, coalesce, data)
    # The snapshot's frames keep their order; news comes before, between and after them.
    for frame in reversed(shown_at(losable)):
        frames.insert(data.draw(st.integers(0, len(frames)), label="shown at"), frame)
    client = MergedView()
    for text in frames:
        client.take(json.loads(text))
    event(f"{len(client.state())} images in the end")
    assert client.state() == state_after(history)


def frames_of(messages: list[list[EventFrame]], coalesce: bool, data: st.DataObject) -> list[str]:
    """What the server makes of the layer's messages for this client."""
    if not coalesce:
        return [text for items in messages for text in event_frames(items, coalesce=False)]
    coalescer = Coalescer()
    frames = []
    for items in messages:
        frames += coalescer.add(items)
        if data.draw(st.booleans(), label="the window ends"):
            frames += coalescer.end_window()
    return frames + coalescer.end_window()
