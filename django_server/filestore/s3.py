"""A store on S3 or a compatible server: keys in a bucket, one PUT per file, listings in byte order.

boto3 is imported when a store is first used (`s3_client`). Threads may share a store; each process
creates its own. Failures are OSErrors with a message for people (`s3_errors`).
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
_MEMORY_BYTES = 8 << 20  # photos stay in memory; larger files go to disk
_PAGE_KEYS = 1000  # S3's maximum
_LISTED_PER_KEY = 4  # entries requested for each key of `stat_many`, because other keys lie between them
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
        """Without keys boto3 looks for credentials: environment, ~/.aws, the machine's role.

        With an `endpoint` the bucket is part of the path, not of the host name.
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

    def ask(self, prefix: str = "") -> None:
        """Check that the bucket exists and that the folder `prefix` can be listed. Raises OSError."""
        self._page(Prefix=_head(prefix), MaxKeys=1)

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the folder `prefix`, in byte order of key, 1,000 to a request."""
        return stored_files(self.list_by_folder(prefix))

    def list_by_folder(
        self,
        prefix: str = "",
        on_unlistable: OnUnlistable | None = None,  # noqa: ARG002  never called: S3 lists all keys or fails
    ) -> Iterator[FolderFiles]:
        """As `list`, folder by folder; see `store.Store.list_by_folder`."""
        for page in self._pages(Bucket=self.bucket, Prefix=_head(prefix)):
            run: FolderFiles | None = None
            for entry in page.get("Contents", ()):
                folder, _, name = entry["Key"].rpartition("/")
                # Consoles create an empty object `name/` for a folder.
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
        head = _head(prefix)
        names = [
            entry["Prefix"].removeprefix(head).removesuffix("/")
            for page in self._pages(Bucket=self.bucket, Prefix=head, Delimiter="/")
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
        """One page of a listing, starting at the first key, instead of a HEAD request for each."""
        sorted_keys = sorted(keys, key=str.encode)
        if not sorted_keys:
            return {}
        # StartAfter is exclusive: a key one character shorter sorts before the first.
        after, most = sorted_keys[0][:-1], min(_PAGE_KEYS, _LISTED_PER_KEY * len(sorted_keys))
        folder = commonprefix(sorted_keys).rpartition("/")[0]  # noqa: RUF071  common characters, cut to whole folders
        page = self._page(Prefix=_head(folder), StartAfter=after, MaxKeys=most)
        entries = page.get("Contents", ())
        found = {entry["Key"]: _stored(entry["Key"], entry, entry["Size"]) for entry in entries}
        if page["IsTruncated"]:
            last = max(map(str.encode, found), default=b"")
            sorted_keys = [key for key in sorted_keys if key.encode() <= last]
        return {key: found.get(key) for key in sorted_keys}

    def open(self, key: str) -> BinaryIO:
        """Download the whole file; seekable. Up to 8 MB in memory, larger ones in a nameless file on disk.

        Raises FileNotFoundError, TimeoutError after `open_seconds`.
        """
        return self.fetch(key)[1]

    def fetch(self, key: str) -> tuple[StoredFile, BinaryIO]:
        """As `open`, with the metadata of the bytes that are read."""
        with ExitStack() as unfinished:

            def begin(byte_size: int) -> BinaryIO:
                unfinished.close()
                return unfinished.enter_context(_anonymous_file(in_memory=byte_size <= _MEMORY_BYTES))

            stored, file = self._download(key, begin)
            file.seek(0)
            unfinished.pop_all()
        return stored, file

    def download(self, key: str, file: BinaryIO) -> StoredFile:
        """Download into `file`, which is empty. Raises FileNotFoundError, TimeoutError after `open_seconds`."""

        def begin(_byte_size: int) -> BinaryIO:
            file.seek(0)
            file.truncate()
            return file

        return self._download(key, begin)[0]

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """A real file that is sent as `key` with one PUT when the block succeeds; dropped when it raises."""
        with _anonymous_file(in_memory=True) as file:
            yield file
            file.seek(0)
            self.put(file, key)

    def put(self, source: BinaryIO, key: str) -> None:
        """Send `source`, a real file, from its current position on, as the content of `key`."""
        headers = {"Content-Type": media_type(key)}
        if self.cache_control:
            headers["Cache-Control"] = self.cache_control
        with convert_errors(self.bucket, key):
            if self._requests().put(key, source, headers) is None:
                named = {name.replace("-", ""): value for name, value in headers.items()}
                self._client().put_object(Bucket=self.bucket, Key=key, Body=source, **named)

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
            self.ask()
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

    def _download(self, key: str, begin: Callable[[int], BinaryIO]) -> tuple[StoredFile, BinaryIO]:
        """`begin` takes the number of bytes and returns an empty file for them; it is called for each attempt."""
        deadline = time.monotonic() + self.open_seconds
        # botocore retries requests, but not a response body that breaks off.
        for attempt in range(1, self._max_attempts + 1):
            try:
                return self._attempt(key, begin, deadline)
            except ConnectionError:
                if attempt == self._max_attempts or time.monotonic() >= deadline:
                    raise
        raise timed_out(self.bucket, key)

    def _attempt(
        self, key: str, begin: Callable[[int], BinaryIO], deadline: float
    ) -> tuple[StoredFile, BinaryIO]:
        with convert_errors(self.bucket, key):
            answer = self._requests().get(key) or self._client().get_object(Bucket=self.bucket, Key=key)
            # Closing a body before its end closes its connection. (`with body` would wrap another object, which does
            # not notice the end of the body.)
            with closing(answer["Body"]) as body:
                file = begin(answer["ContentLength"])
                while block := body.read(_BLOCK_BYTES):
                    if time.monotonic() >= deadline:
                        raise timed_out(self.bucket, key)
                    file.write(block)
        return _stored(key, answer, answer["ContentLength"]), file

    def _client(self) -> Any:
        return self._clients.get()[0]

    def _requests(self) -> ObjectRequests:
        return self._clients.get()[1]


def _head(prefix: str) -> str:
    return f"{prefix}/" if prefix else ""


def _stored(key: str, answer: Any, byte_size: int) -> StoredFile:
    """The metadata in the response to a HEAD or GET request, or in an entry of a listing."""
    return StoredFile(key, byte_size, _nanoseconds(answer["LastModified"]), answer["ETag"].strip('"'))


def _anonymous_file(*, in_memory: bool) -> BinaryIO:
    """A real file that other processes can open by its descriptor: in memory, or on disk if memfd is missing."""
    if in_memory and hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("archive"), "w+b")
    return cast("BinaryIO", tempfile.TemporaryFile())


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
