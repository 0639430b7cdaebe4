"""Streaming upload bodies, so that the client costs little CPU compared with the server.

Used by the benchmarks that upload.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
from load_requests import PATHS, Picture

_BOUNDARY = "frontier"
_END = f"--{_BOUNDARY}--\r\n".encode()


def upload_of(
    client: httpx.AsyncClient, endpoint: str, pictures: Sequence[Picture], batch: str | None = None
) -> httpx.Request:
    """A request with the images. `endpoint`: a name of PATHS, or a path; `batch`: a UUID."""
    size = sum(len(_head(picture)) + len(picture.content) + 2 for picture in pictures) + len(_END)
    return client.build_request(
        "POST",
        PATHS.get(endpoint, endpoint),
        params={"batch": batch} if batch else None,
        headers={
            "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
            "Content-Length": str(size),
        },
        content=_pieces(pictures),
    )


def pictures_of(paths: Sequence[Path], count: int) -> list[Picture]:
    """`count` images, the files in turn. Each content is kept in memory once."""
    contents = [(path.name, path.read_bytes()) for path in paths]
    turns = (contents[number % len(contents)] for number in range(count))
    return [Picture(f"{number:04}-{name}", content) for number, (name, content) in enumerate(turns)]


async def _pieces(pictures: Sequence[Picture]) -> AsyncIterator[bytes]:
    for picture in pictures:
        yield _head(picture)
        yield picture.content
        yield b"\r\n"
    yield _END


def _head(picture: Picture) -> bytes:
    name = f'Content-Disposition: form-data; name="images"; filename="{picture.name}"'
    return f"--{_BOUNDARY}\r\n{name}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
