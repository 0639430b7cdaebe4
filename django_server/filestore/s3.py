"""A store on S3 or a compatible server: keys in a bucket, one PUT per file, listings in byte order.

boto3 is imported when a store is first used (`s3_client`). Threads may share a store; each process must create its own.
Every failure is an OSError with a message for users (`s3_errors`).
"""

import errno
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from os.path import commonprefix
from typing import Any, BinaryIO, cast

from filestore.media_types import media_type
from filestore.s3_client import S3Clients
from filestore.s3_errors import convert_errors, timed_out
from filestore.s3_requests import ObjectRequests
from filestore.store import FolderFiles, OnUnlistable, StoredFile, stored_files

_BLOCK_BYTES = 1 << 18
_MEMORY_BYTES = 8 << 20  # photos are downloaded into memory, larger files to disk
_PAGE_KEYS = 1000  # S3's maximum
_LISTED_PER_KEY = 4  # entries requested for each key of `stat_many`: the listing also has other keys
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class S3Store:
    """The files of one bucket.

    `open_seconds`: the limit for a whole download with its retries. `cache_control`: sent with every write, if set.
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        region: str | None = None,
        connect_seconds: float = 5,
        read_seconds: float = 30,
        max_attempts: int = 4,
        max_connections: int = 10,
        open_seconds: float = 60,
        cache_control: str | None = None,
    ) -> None:
        """Without `access_key` boto3 looks for credentials in the environment, in ~/.aws and in the machine's role.

        With an `endpoint`, URLs contain the bucket in the path, not in the host name.
        """
        self.bucket = bucket
        self.open_seconds = open_seconds
        self.cache_control = cache_control
        self._max_attempts = max_attempts
        self._clients = S3Clients(
            bucket,
            endpoint=endpoint,
            access_key=access_key,
            secret_key=secret_key,
            region=region,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
            max_attempts=max_attempts,
            max_connections=max_connections,
        )

    def check_listable(self, prefix: str = "") -> None:
        """Check that the bucket exists and that the folder `prefix` can be listed. Raises OSError."""
        self._page(Prefix=_folder_prefix(prefix), MaxKeys=1)

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the folder `prefix`, in byte order of key. One request for each 1,000 files."""
        return stored_files(self.list_by_folder(prefix))

    def list_by_folder(
        self,
        prefix: str = "",
        on_unlistable: OnUnlistable | None = None,  # noqa: ARG002  never called: S3 lists all keys or fails
    ) -> Iterator[FolderFiles]:
        """As `list`, grouped by folder; see `store.Store.list_by_folder`."""
        for page in self._pages(Bucket=self.bucket, Prefix=_folder_prefix(prefix)):
            run: FolderFiles | None = None
            for entry in page.get("Contents", ()):
                folder, _, name = entry["Key"].rpartition("/")
                # Consoles represent a folder by an empty object `name/`.
                if not name:
                    continue
                if run is None or run.folder != folder:
                    if run is not None:
                        yield run
                    run = FolderFiles(folder, [])
                modified_ns = _nanoseconds(entry["LastModified"])
                run.files.append((name, entry["Size"], modified_ns, entry["ETag"].strip('"')))
            if run is not None:
                yield run

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders directly below the folder `prefix`, in byte order."""
        folder_prefix = _folder_prefix(prefix)
        names = [
            entry["Prefix"].removeprefix(folder_prefix).removesuffix("/")
            for page in self._pages(Bucket=self.bucket, Prefix=folder_prefix, Delimiter="/")
            for entry in page.get("CommonPrefixes", ())
        ]
        # S3 sorts `a-/` before `a/`.
        yield from sorted((name for name in names if name), key=str.encode)

    def stat(self, key: str) -> StoredFile:
        """One HEAD request. Raises FileNotFoundError."""
        with convert_errors(self.bucket, key):
            head = self._requests().head(key) or self._client().head_object(Bucket=self.bucket, Key=key)
        return _stored(key, head, head["ContentLength"])

    def stat_many(self, keys: Iterable[str]) -> dict[str, StoredFile | None]:
        """See `store.Store.stat_many`.

        One listing request from the first key on, instead of a HEAD request for each key.
        """
        sorted_keys = sorted(keys, key=str.encode)
        if not sorted_keys:
            return {}
        # StartAfter is exclusive: the first key without its last character sorts before the first key.
        after, limit = sorted_keys[0][:-1], min(_PAGE_KEYS, _LISTED_PER_KEY * len(sorted_keys))
        folder = commonprefix(sorted_keys).rpartition("/")[0]  # noqa: RUF071  common characters, cut to whole folders
        page = self._page(Prefix=_folder_prefix(folder), StartAfter=after, MaxKeys=limit)
        entries = page.get("Contents", ())
        listed = {entry["Key"]: _stored(entry["Key"], entry, entry["Size"]) for entry in entries}
        if page["IsTruncated"]:
            # The keys after the last listed key are unknown: leave them out.
            last_listed = max(map(str.encode, listed), default=b"")
            sorted_keys = [key for key in sorted_keys if key.encode() <= last_listed]
        return {key: listed.get(key) for key in sorted_keys}

    def open(self, key: str) -> BinaryIO:
        """Download the whole file and return it, seekable: up to 8 MB in memory, above that in a nameless file on disk.

        Raises FileNotFoundError, TimeoutError after `open_seconds`.
        """
        return self.fetch(key)[1]

    def fetch(self, key: str) -> tuple[StoredFile, BinaryIO]:
        """As `open`, but also returns the metadata of the downloaded content."""
        with ExitStack() as unfinished:

            def open_empty(byte_size: int) -> BinaryIO:
                unfinished.close()
                return unfinished.enter_context(_anonymous_file(in_memory=byte_size <= _MEMORY_BYTES))

            stored, file = self._download(key, open_empty)
            file.seek(0)
            unfinished.pop_all()
        return stored, file

    def download(self, key: str, file: BinaryIO) -> StoredFile:
        """Download into `file`, which is empty. Raises FileNotFoundError, TimeoutError after `open_seconds`."""

        def open_empty(_byte_size: int) -> BinaryIO:
            file.seek(0)
            file.truncate()
            return file

        return self._download(key, open_empty)[0]

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """Yields a real file.

        If the block succeeds, the file is stored as `key` with one PUT; if it raises, nothing is stored.
        """
        with _anonymous_file(in_memory=True) as file:
            yield file
            file.seek(0)
            self.put(file, key)

    def put(self, source: BinaryIO, key: str) -> None:
        """Store the content of `source`, a real file, from its current position on as `key`."""
        headers = {"Content-Type": media_type(key)}
        if self.cache_control:
            headers["Cache-Control"] = self.cache_control
        with convert_errors(self.bucket, key):
            if self._requests().put(key, source, headers) is None:
                parameters = {name.replace("-", ""): value for name, value in headers.items()}
                self._client().put_object(Bucket=self.bucket, Key=key, Body=source, **parameters)

    def delete(self, key: str) -> bool:
        """Delete the file. Always True: S3 does not report whether it existed."""
        with convert_errors(self.bucket, key):
            self._client().delete_object(Bucket=self.bucket, Key=key)
        return True

    def exists(self, key: str) -> bool:
        try:
            self.stat(key)
        except FileNotFoundError:
            return False
        return True

    def make_bucket(self) -> None:
        """Create the bucket if it does not exist."""
        try:
            self.check_listable()
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            with convert_errors(self.bucket, ""):
                self._client().create_bucket(Bucket=self.bucket)

    def _pages(self, **request: str) -> Iterator[Any]:
        with convert_errors(self.bucket, ""):
            pages = iter(self._client().get_paginator("list_objects_v2").paginate(**request))
        while True:
            with convert_errors(self.bucket, ""):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _page(self, **request: Any) -> Any:
        """One page of a listing."""
        with convert_errors(self.bucket, ""):
            return self._client().list_objects_v2(Bucket=self.bucket, **request)

    def _download(self, key: str, open_empty: Callable[[int], BinaryIO]) -> tuple[StoredFile, BinaryIO]:
        """Download with retries. Each attempt calls `open_empty(byte_size)` for an empty file to write to."""
        deadline = time.monotonic() + self.open_seconds
        # botocore retries requests, but not the download of a response body that ends too early.
        for attempt in range(1, self._max_attempts + 1):
            try:
                return self._attempt(key, open_empty, deadline)
            except ConnectionError:
                if attempt == self._max_attempts or time.monotonic() >= deadline:
                    raise
        raise timed_out(self.bucket, key)

    def _attempt(
        self, key: str, open_empty: Callable[[int], BinaryIO], deadline: float
    ) -> tuple[StoredFile, BinaryIO]:
        with convert_errors(self.bucket, key):
            response = self._requests().get(key) or self._client().get_object(Bucket=self.bucket, Key=key)
            # Closing a body before its end closes its connection. (`with response["Body"]` would bind the raw stream,
            # which does not notice a body that ends too early.)
            with closing(response["Body"]) as body:
                file = open_empty(response["ContentLength"])
                while block := body.read(_BLOCK_BYTES):
                    if time.monotonic() >= deadline:
                        raise timed_out(self.bucket, key)
                    file.write(block)
        return _stored(key, response, response["ContentLength"]), file

    def _client(self) -> Any:
        return self._clients.get()[0]

    def _requests(self) -> ObjectRequests:
        return self._clients.get()[1]


def _folder_prefix(prefix: str) -> str:
    return f"{prefix}/" if prefix else ""


def _stored(key: str, response: Any, byte_size: int) -> StoredFile:
    """The metadata in the response to a HEAD or GET request, or in an entry of a listing."""
    return StoredFile(key, byte_size, _nanoseconds(response["LastModified"]), response["ETag"].strip('"'))


def _anonymous_file(*, in_memory: bool) -> BinaryIO:
    """A real file that other processes can open by its descriptor: in memory, or on disk if memfd is missing."""
    if in_memory and hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("archive"), "w+b")
    return cast("BinaryIO", tempfile.TemporaryFile())


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
