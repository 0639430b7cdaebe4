"""The frames of the WebSocket contract: parses the frames of clients, encodes the frames of the server. Pure.

Called by `consumers`, `bounded_sender` and `replays`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypedDict
from uuid import UUID

import orjson

from images.live.events import EventFrame, bounded_slices

# The longest frame that the contract allows, in both directions.
FRAME_BYTES = 64 * 1024
# Limits of the encoded images in one frame. The remaining 4 KB are for the frame's own keys.
FRAME_IMAGES_BYTES = 60 * 1024
FRAME_IMAGES = 25

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 9999-01-01 in microseconds since the epoch. `datetime` can't represent years after 9999.
_LAST_CURSOR = 253_370_764_800_000_000


class ConnectedFrame(TypedDict):
    type: Literal["connected"]
    status: Literal["ok"]
    message: str
    cursor: str


class ResyncFrame(TypedDict):
    """Asks the client to subscribe again.

    Reason `slow_client`: this client reads too slowly. Reason `gap`: the server may have missed events.
    """

    type: Literal["resync"]
    reason: Literal["slow_client", "gap"]


class ErrorFrame(TypedDict):
    type: Literal["error"]
    code: Literal["bad_frame"]
    error: str


class PongFrame(TypedDict):
    type: Literal["pong"]


Frame = ConnectedFrame | ResyncFrame | ErrorFrame | PongFrame


class BadFrameError(Exception):
    """The client's frame violates the contract. The message is a sentence for the developer of the client."""


@dataclass(frozen=True)
class Ping:
    """A ping frame: the server responds with a pong frame."""


@dataclass(frozen=True)
class Topics:
    """The batch, jobs or everything that a subscribe or unsubscribe frame names."""

    batch_id: UUID | None = None
    job_ids: tuple[UUID, ...] = ()
    everything: bool = False


@dataclass(frozen=True)
class Subscribe:
    """A subscribe frame. With `since` the client also requests a replay of all changes after that moment.

    `coalesce` switches coalescing on or off; None does not change it.
    """

    topics: Topics
    since: datetime | None = None
    coalesce: bool | None = None


@dataclass(frozen=True)
class Unsubscribe:
    """An unsubscribe frame."""

    topics: Topics


Request = Ping | Subscribe | Unsubscribe


def parse(text: str | None) -> Request:
    """Parses a client's frame. `text` is None for a binary frame.

    Raises: BadFrameError.
    """
    if text is None:
        raise BadFrameError("Frames are JSON text, not binary.")
    if len(text) > FRAME_BYTES or len(text.encode()) > FRAME_BYTES:
        raise BadFrameError(f"A frame may have {FRAME_BYTES} bytes at most.")
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadFrameError("The frame is not JSON.") from None
    if not isinstance(frame, dict):
        raise BadFrameError("The frame is not a JSON object.")
    match frame.get("type"):
        case "ping":
            return Ping()
        case "subscribe":
            return _subscribe(frame)
        case "unsubscribe":
            return Unsubscribe(_topics(frame))
    raise BadFrameError("The frame's type is none of subscribe, unsubscribe, ping.")


def parse_id(value: object, name: str) -> UUID:
    """The UUID that `value` denotes, in any notation that Python parses.

    Raises: BadFrameError, whose sentence begins with `name`.
    """
    if isinstance(value, str):
        try:
            return UUID(value)
        except ValueError:
            pass
    raise BadFrameError(f"{name} is not a UUID.")


def connected_frame(cursor: str) -> ConnectedFrame:
    """The first frame of a connection. The client gets all changes after `cursor` as live events."""
    return {"type": "connected", "status": "ok", "message": "You are connected!", "cursor": cursor}


def encode(frame: Frame) -> str:
    """The frame as JSON text."""
    return orjson.dumps(frame).decode()


def snapshot_frame(
    batch_id: UUID | None,
    images: Sequence[str],
    counts: Mapping[str, int],
    page: int,
    last: bool,
    cursor: str,
) -> str:
    """One page of a snapshot. `images` are encoded as JSON: at most FRAME_IMAGES, of FRAME_IMAGES_BYTES in total."""
    batch = "null" if batch_id is None else f'"{batch_id}"'
    return (
        f'{{"type":"snapshot","batch_id":{batch},"images":[{",".join(images)}],'
        f'"counts":{orjson.dumps(dict(counts)).decode()},"page":{page},"last":{"true" if last else "false"},'
        f'"cursor":"{cursor}"}}'
    )


def event_frames(events: Sequence[EventFrame], *, coalesce: bool) -> list[str]:
    """One frame for each event. With `coalesce`, one frame has several image events, up to the limits of a frame."""
    if not coalesce:
        return [event.text for event in events]
    images = [event for event in events if event.kind == "image"]
    frames = []
    for run in bounded_slices([image.byte_size for image in images], FRAME_IMAGES, FRAME_IMAGES_BYTES):
        joined = ",".join(image.text for image in images[run])
        frames.append(f'{{"type":"send_upload_notifications","images":[{joined}]}}')
    return frames + [event.text for event in events if event.kind == "removed"]


def _subscribe(frame: dict[str, Any]) -> Subscribe:
    topics = _topics(frame)
    coalesce = frame.get("coalesce")
    if coalesce is not None and not isinstance(coalesce, bool):
        raise BadFrameError("coalesce is neither true nor false.")
    since = frame.get("since")
    if since is not None and not topics.everything:
        raise BadFrameError("since goes with all only.")
    return Subscribe(topics, None if since is None else _moment(since), coalesce)


def _topics(frame: dict[str, Any]) -> Topics:
    everything = frame.get("all", False)
    if not isinstance(everything, bool):
        raise BadFrameError("all is neither true nor false.")
    job_ids = frame.get("job_ids")
    if job_ids is not None and not isinstance(job_ids, list):
        raise BadFrameError("job_ids is not an array.")
    batch_id = frame.get("batch_id")
    topics = Topics(
        batch_id=None if batch_id is None else parse_id(batch_id, "batch_id"),
        job_ids=tuple(dict.fromkeys(parse_id(job_id, "An entry of job_ids") for job_id in job_ids or ())),
        everything=everything,
    )
    if topics == Topics():
        raise BadFrameError("The frame names none of batch_id, job_ids, all.")
    return topics


def _moment(cursor: object) -> datetime:
    """The moment of a cursor: the inverse of `images.serializers.change_cursor`."""
    if isinstance(cursor, str) and cursor.isascii() and cursor.isdigit() and len(cursor) < 20:
        microseconds = int(cursor)
        if microseconds <= _LAST_CURSOR:
            return _EPOCH + timedelta(microseconds=microseconds)
    raise BadFrameError("since is not a cursor.")
