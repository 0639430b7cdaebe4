"""A program: a minimal S3 server that delays each response by some milliseconds, like a distant server.

    python slow_s3.py PORT MILLISECONDS

Keeps everything in memory and checks no signature. Costs a tenth of moto's CPU, so that the clients are measured.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from email.utils import formatdate
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_FILES: dict[str, bytes] = {}
_DATE = formatdate(usegmt=True)


def _listing(bucket: str, query: dict[str, list[str]]) -> bytes:
    prefix, max_keys = query.get("prefix", [""])[0], int(query.get("max-keys", ["1000"])[0])
    after = query.get("continuation-token", [f"{bucket}/{query.get('start-after', [''])[0]}"])[0]
    keys = [key for key in sorted(_FILES) if key.startswith(f"{bucket}/{prefix}") and key > after]
    if query.get("delimiter"):
        start = len(bucket) + 1 + len(prefix)
        names = sorted({key[start:].partition("/")[0] for key in keys})
        found = "".join(
            f"<CommonPrefixes><Prefix>{escape(prefix + name)}/</Prefix></CommonPrefixes>" for name in names
        )
        more = ""
    else:
        found = "".join(
            f"<Contents><Key>{escape(key.partition('/')[2])}</Key><Size>{len(_FILES[key])}</Size><ETag>&quot;"
            f"{_etag(_FILES[key])}&quot;</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in keys[:max_keys]
        )
        more = (
            f"<NextContinuationToken>{escape(keys[max_keys - 1])}</NextContinuationToken>"
            if len(keys) > max_keys
            else ""
        )
    truncated = "true" if more else "false"
    return (
        f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{found}</ListBucketResult>".encode()
    )


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _answer(method: str, path: str, body: bytes) -> tuple[int, bytes, str]:
    parts = urlsplit(path)
    key = unquote(parts.path)[1:]
    if method == "PUT":
        _FILES[key] = body
        return 200, b"", _etag(body)
    if parts.query and method == "GET":
        return 200, _listing(key.strip("/"), parse_qs(parts.query)), ""
    if key not in _FILES:
        return 404, b"<Error><Code>NoSuchKey</Code></Error>" if method == "GET" else b"", ""
    return 200, _FILES[key], _etag(_FILES[key][:64])


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode("latin-1").split("\r\n")
            method, path, _ = lines[0].split(" ", 2)
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            if headers.get("expect") == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            await asyncio.sleep(seconds)
            status, content, etag = _answer(method, path, body)
            writer.write(
                f'HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\nETag: "{etag}"\r\n'
                f"Last-Modified: {_DATE}\r\n\r\n".encode()
            )
            if method != "HEAD":
                writer.write(content)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port: int, milliseconds: float) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: _serve(reader, writer, milliseconds / 1000), "127.0.0.1", port
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
