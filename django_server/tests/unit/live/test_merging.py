"""A client that merges reaches the database's state, with any loss, repetition and order of events and a snapshot."""

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
        message = {"type": "send_upload_notification", **image(self.job, self.version, self.status)}
        text = json.dumps(message)
        return EventFrame(self.job.hex, "image", text, len(text))


def image(job: UUID, version: int, status: str) -> dict[str, object]:
    return {"job_id": str(job), "version": version, "status": status}


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """The changes of up to four rows, in the order of their commits."""
    versions: dict[UUID, int] = {}
    deleted: set[UUID] = set()
    history = []
    for number, status in draw(
        st.lists(st.tuples(st.integers(1, 4), st.sampled_from((*STATUSES, None))), max_size=24)
    ):
        job = UUID(int=number)
        if job in deleted or (status is None and job not in versions):
            continue
        versions[job] = versions.get(job, 0) + 1
        history.append(Change(job, versions[job], status))
        if status is None:
            deleted.add(job)
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
    """The frames of a snapshot: its pages and then the deletions, in the order of `replays.batch_snapshot`."""
    images = [
        json.dumps(image(UUID(job), *state))
        for job, state in sorted(state_after(history).items(), reverse=True)
    ]
    pages = [images[at : at + PAGE_IMAGES] for at in range(0, len(images), PAGE_IMAGES)] or [[]]
    frames = [
        snapshot_frame(BATCH, page, {}, number, number == len(pages), "1")
        for number, page in enumerate(pages, start=1)
    ]
    return frames + [change.event().text for change in history if change.status is None]


@search(400, a_second=400)
@given(history=histories(), coalesce=st.booleans(), data=st.data())
def test_a_merging_client_reaches_the_databases_state(
    history: list[Change], coalesce: bool, data: st.DataObject
) -> None:
    shown_after = data.draw(st.integers(0, len(history)), label="the snapshot is of the state after")
    # Events before the snapshot may be lost; later ones are repeated until they arrive.
    may_be_lost, certain = history[:shown_after], history[shown_after:]
    received = data.draw(st.lists(st.sampled_from(may_be_lost), max_size=12)) if may_be_lost else []
    repeated = data.draw(st.lists(st.sampled_from(certain), max_size=6)) if certain else []
    arriving = data.draw(st.permutations([*received, *certain, *repeated]), label="arriving")
    messages = []
    while arriving:
        size = data.draw(st.integers(1, len(arriving)), label="messages of")
        messages.append([change.event() for change in arriving[:size]])
        arriving = arriving[size:]
    frames = frames_of(messages, coalesce, data)
    # The snapshot's frames keep their order; events arrive before, between and after them.
    for frame in reversed(shown_at(may_be_lost)):
        frames.insert(data.draw(st.integers(0, len(frames)), label="shown at"), frame)
    client = MergedView()
    for text in frames:
        client.take(json.loads(text))
    event(f"{len(client.state())} images in the end")
    assert client.state() == state_after(history)


def frames_of(messages: list[list[EventFrame]], coalesce: bool, data: st.DataObject) -> list[str]:
    """The frames that the server sends to this client for messages of the channel layer."""
    if not coalesce:
        return [text for items in messages for text in event_frames(items, coalesce=False)]
    coalescer = Coalescer()
    frames = []
    for items in messages:
        frames += coalescer.add(items)
        if data.draw(st.booleans(), label="the window ends"):
            frames += coalescer.end_window()
    return frames + coalescer.end_window()
