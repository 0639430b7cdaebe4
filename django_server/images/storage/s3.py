"""Files in a bucket: django-storages' class for Django, `filestore.s3` for the bytes, `url_signing` for the URLs.

A comment at each override of django-storages' S3Storage gives the reason. Two reasons apply to all methods that access
objects. First, django-storages raises botocore's errors, but `ImageStorage` specifies OSError. Second, it creates a
boto3 resource per thread, which costs 0.2 s of CPU and 13 MB (measured with 8 threads); `filestore.s3` shares one
client. Times are CPU time per call, with objects of 300 KB in moto on loopback.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from django.conf import settings
from django.core.files import File
from storages.backends.s3 import S3Storage as DjangoS3Storage

from filestore.s3 import S3Store
from images.storage.url_signing import Signer

_SAFE_IN_URLS = "/~!*()'"
# Number of concurrent PUT requests, so that the 1,000 files of an upload are not sent one after another.
_PUTS_AT_ONCE = 8


class S3Storage(DjangoS3Storage):  # type: ignore[misc]  # django-storages is untyped
    """The bucket of the S3_… settings. URLs of a private bucket are signed; URLs of a public bucket have `?v=`."""

    moves_by_rename = False

    def __init__(self, **options: Any) -> None:
        super().__init__(
            bucket_name=settings.S3_BUCKET,
            endpoint_url=settings.S3_ENDPOINT or None,
            access_key=settings.S3_ACCESS_KEY,
            secret_key=settings.S3_SECRET_KEY,
            region_name=settings.S3_REGION,
            file_overwrite=True,
            **options,
        )

    @property
    def signs_urls(self) -> bool:
        return not settings.S3_PUBLIC

    @cached_property
    def store(self) -> S3Store:
        return self._store(
            connect_seconds=settings.S3_CONNECT_SECONDS,
            read_seconds=settings.S3_READ_SECONDS,
            open_seconds=settings.S3_DOWNLOAD_SECONDS,
            # Only two attempts, so that a client gets 503 rather than a longer wait.
            max_attempts=2,
            max_connections=2 * _PUTS_AT_ONCE,
        )

    @cached_property
    def _quick_store(self) -> S3Store:
        return self._store(connect_seconds=1, read_seconds=2, max_attempts=1)

    def _store(self, **bounds: Any) -> S3Store:
        # A signed URL is valid for at least half of S3_URL_SECONDS. Caches may keep its file for half of that time.
        signed = f"private, max-age={settings.S3_URL_SECONDS // 4}"
        return S3Store(
            settings.S3_BUCKET,
            endpoint=settings.S3_ENDPOINT,
            access_key=settings.S3_ACCESS_KEY,
            secret_key=settings.S3_SECRET_KEY,
            region=settings.S3_REGION,
            cache_control="public, max-age=31536000, immutable" if settings.S3_PUBLIC else signed,
            **bounds,
        )

    @cached_property
    def _signer(self) -> Signer:
        return Signer(
            self._base,
            settings.S3_REGION,
            settings.S3_ACCESS_KEY,
            settings.S3_SECRET_KEY,
            settings.S3_URL_SECONDS,
        )

    @cached_property
    def _base(self) -> str:
        """The URL of the bucket for browsers, without a slash at its end."""
        if settings.S3_CUSTOM_DOMAIN:
            return f"https://{settings.S3_CUSTOM_DOMAIN}"
        endpoint = settings.S3_URL_ENDPOINT or settings.S3_ENDPOINT
        if endpoint:
            return f"{endpoint}/{settings.S3_BUCKET}"
        return f"https://{settings.S3_BUCKET}.s3.{settings.S3_REGION}.amazonaws.com"

    def url(self, name: str, *_: Any, **__: Any) -> str:
        # Signed: 23 µs (boto3: 364). Unsigned: 1.9 µs (django-storages: 4.7). A page of 100 images has 400 URLs.
        if self.signs_urls:
            return self._signer.url(name, datetime.now(UTC))
        return f"{self._base}/{quote(name, safe=_SAFE_IN_URLS)}"

    def check(self) -> None:
        # The key need not exist: any response shows that the storage works.
        self._quick_store.exists(f"{settings.KEY_PREFIX}/")

    def store_spooled(self, files: Sequence[tuple[Path, str]]) -> None:
        with ThreadPoolExecutor(_PUTS_AT_ONCE) as pool:
            for put in [pool.submit(self._put, path, key) for path, key in files]:
                put.result()

    def move_to_key(self, path: Path, key: str) -> None:
        self._put(path, key)
        path.unlink()

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        with NamedTemporaryFile(dir=settings.INCOMING_ROOT, prefix="copy-") as copy:
            self.store.download(key, cast(BinaryIO, copy))
            copy.flush()
            yield Path(copy.name)

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        return self.store.writing(key)

    # `delete` and `exists` are overridden for the two common reasons in the module's docstring.
    def delete(self, name: str) -> None:
        self.store.delete(name)

    def exists(self, name: str) -> bool:
        return self.store.exists(name)

    # Sends one GET: 3 ms. django-storages sends HEAD, HEAD and GET: 16 ms.
    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":  # noqa: ARG002
        return File(cast(Any, self.store.open(name)), name)

    # Takes 3 ms; the transfer manager of django-storages takes 11 ms.
    def _save(self, name: str, content: "File[bytes]") -> str:
        with self.store.writing(name) as file:
            for chunk in content.chunks():
                file.write(chunk)
        return name

    def _put(self, path: Path, key: str) -> None:
        with path.open("rb") as source:
            self.store.put(source, key)
