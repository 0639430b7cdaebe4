"""Parse and rebuild JPEG files (ITU T.81), for files that Pillow would not write.

Owns segments and scans. Used by the corpus.
"""

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """A marker and its body. `coded`: the entropy-coded bytes after a start of scan."""

    code: int
    body: bytes
    coded: bytes = b""

    def as_bytes(self) -> bytes:
        return bytes((0xFF, self.code)) + struct.pack(">H", len(self.body) + 2) + self.body + self.coded


def take_apart(data: bytes) -> list[Segment]:
    """Every segment between the start and end markers of the image."""
    segments = []
    at = 2
    while data[at + 1] != 0xD9:
        code = data[at + 1]
        (length,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        at += 2 + length
        start = at
        if code == 0xDA:
            while not (data[at] == 0xFF and data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7):
                at += 1
        segments.append(Segment(code, body, data[start:at]))
    return segments


def put_together(segments: list[Segment]) -> bytes:
    return b"\xff\xd8" + b"".join(segment.as_bytes() for segment in segments) + b"\xff\xd9"


def with_segment(data: bytes, code: int, body: bytes) -> bytes:
    """`data` with one more segment directly after its start."""
    return put_together([Segment(code, body), *take_apart(data)])


def with_repeated_last_scan(data: bytes, times: int) -> bytes:
    """`data` with its last scan repeated: valid for a decoder, and each repetition costs a pass over the image."""
    segments = take_apart(data)
    last = max(index for index, segment in enumerate(segments) if segment.code == 0xDA)
    return put_together(segments[: last + 1] + [segments[last]] * times + segments[last + 1 :])


def with_adobe_transform(data: bytes, transform: int) -> bytes:
    """`data` with the colour transform of its Adobe marker replaced (2: YCCK)."""
    return put_together(
        [
            Segment(segment.code, segment.body[:11] + bytes((transform,)))
            if segment.code == 0xEE and segment.body.startswith(b"Adobe")
            else segment
            for segment in take_apart(data)
        ]
    )


def with_frame_code(data: bytes, code: int) -> bytes:
    """`data` with another start-of-frame marker (0xC9: sequential, arithmetic coding)."""
    return put_together(
        [
            Segment(code, segment.body) if segment.code in (0xC0, 0xC1, 0xC2) else segment
            for segment in take_apart(data)
        ]
    )


def with_size(data: bytes, width: int, height: int) -> bytes:
    """`data` claiming another size."""
    return put_together(
        [
            Segment(segment.code, segment.body[:1] + struct.pack(">HH", height, width) + segment.body[5:])
            if segment.code in (0xC0, 0xC1, 0xC2)
            else segment
            for segment in take_apart(data)
        ]
    )


def with_missing_table(data: bytes) -> bytes:
    """`data` whose components refer to a missing quantization table."""
    segments = []
    for segment in take_apart(data):
        if segment.code == 0xC0:
            body = bytearray(segment.body)
            body[8::3] = b"\x03" * len(body[8::3])
            segments.append(Segment(segment.code, bytes(body)))
        else:
            segments.append(segment)
    return put_together(segments)


def exif(orientation: int, *, extra: bytes = b"") -> bytes:
    """An APP1 body with one tag, the orientation."""
    return b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0) + extra
