"""The comparison programs of bench_pregen.py: a scan of a made-up store, and bare transfers to S3.

    python pregen_subjects.py scan RECORDS MANIFEST
    python pregen_subjects.py transfer ENDPOINT BUCKET COUNT
    python pregen_subjects.py thumbnails ENDPOINT BUCKET COUNT

Called by bench_pregen.py.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Process
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "django_server"))

CONNECTIONS = 32


class MadeUpStore:
    """A store of `records` originals with one thumbnail each, in 65,536 folders; no file exists."""

    def __init__(self, records: int) -> None:
        self.records = records

    def folders(self, _prefix: str = "") -> Iterator[str]:
        return iter(["fungi"])

    def list_by_folder(self, prefix: str = "", *_: object) -> Iterator[object]:
        from filestore.store import FolderFiles

        tail = "_200.jpg" if prefix.endswith("thumbnails") else ".jpg"
        each = -(-self.records // 65_536)
        made = 0
        for shard in range(65_536):
            count = min(each, self.records - made)
            if count < 1:
                return
            folder = f"{prefix}/{shard >> 8:02x}/{shard & 255:02x}"
            names = [f"{shard:04x}{number:028x}{tail}" for number in range(count)]
            yield FolderFiles(folder, [(name, 4_000_000, 1_700_000_000_123_456_000, "") for name in names])
            made += count


def scan(records: int, manifest: Path) -> None:
    from pregen.scan.scanner import ScanOptions
    from pregen.scan.scanner import scan as scan_store
    from pregen.storage import Storage

    scan_store(MadeUpStore(records), Storage("attachments", "/nowhere"), ScanOptions(manifest, quiet=True))  # type: ignore[arg-type]


def transfer(endpoint: str, bucket: str, count: int) -> None:
    """Get and put `count` objects, with as many connections as pregen."""
    client = _client(endpoint)

    def one(number: int) -> None:
        _get(client, bucket, number)
        client.put_object(
            Bucket=bucket, Key=f"bare/{number:05}.jpg", Body=bytes(8_000), ContentType="image/jpeg"
        )

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(one, range(count)))


def thumbnails(endpoint: str, bucket: str, count: int) -> None:
    """The shortest program that does the same work: two processes generate half of the thumbnails each."""
    both = [Process(target=_thumbnails, args=(endpoint, bucket, range(first, count, 2))) for first in (0, 1)]
    for process in both:
        process.start()
    for process in both:
        process.join()


def _thumbnails(endpoint: str, bucket: str, numbers: range) -> None:
    from PIL import Image

    client = _client(endpoint)

    def one(number: int) -> None:
        picture = Image.open(io.BytesIO(_get(client, bucket, number)))
        picture.thumbnail((200, 200), Image.Resampling.LANCZOS)
        memory = io.BytesIO()
        picture.save(memory, "JPEG", quality=85, progressive=True)
        client.put_object(
            Bucket=bucket, Key=f"plain/{number:05}.jpg", Body=memory.getvalue(), ContentType="image/jpeg"
        )

    with ThreadPoolExecutor(CONNECTIONS // 2) as pool:
        list(pool.map(one, numbers))


def _client(endpoint: str) -> Any:
    import boto3
    from botocore.config import Config

    settings = Config(
        max_pool_connections=CONNECTIONS,
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="k",
        aws_secret_access_key="s",  # noqa: S106  any value will do
        config=settings,
    )


def _get(client: Any, bucket: str, number: int) -> bytes:
    answer = client.get_object(Bucket=bucket, Key=f"attachments/fungi/originals/{number:05}.jpg")
    return answer["Body"].read()  # type: ignore[no-any-return]


if __name__ == "__main__":
    if sys.argv[1] == "scan":
        scan(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        what = {"transfer": transfer, "thumbnails": thumbnails}[sys.argv[1]]
        what(sys.argv[2], sys.argv[3], int(sys.argv[4]))
