"""A store on S3, or whatever speaks its protocol: keys in a bucket, each written by one PUT, listed in byte order.

boto3 is loaded here, and botocore in `s3_requests`, when a store is first used. Threads may share a store; a process
makes its own. What goes wrong is an OSError with a sentence for a person (`s3_errors`).
"""

import errno
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, BinaryIO, cast

from archive.media_types import media_type
from archive.s3_errors import speaking_of, timed_out
from archive.s3_requests import Requests
from archive.store import Run, StoredFile, Told, stored_files

_BLOCK_BYTES = 1 << 16
_MEMORY_BYTES = 8 << 20  # a photo stays in memory; what is larger goes to the disk
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class S3Store:
    """Files of one bucket.

    `open_seconds` bounds a whole download, its retries included. `cache_control`, where set, goes with every file
    that is written.
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
        """Without keys they are looked for where boto3 looks: environment, ~/.aws, the machine's role.

        With an `endpoint` the bucket is part of the path, not of the host's name.
        """
        self.bucket = bucket
        self.open_seconds = open_seconds
        self.cache_control = cache_control
        self._max_attempts = max_attempts
        self._endpoint = endpoint or None
        self._identity = {
            "aws_access_key_id": access_key or None,
            "aws_secret_access_key": secret_key or None,
            "region_name": region or None,
        }
        self._settings = {
            "connect_timeout": connect_seconds,
            "read_timeout": read_seconds,
            "max_pool_connections": max_connections,
            # "standard" waits between attempts: exponentially, with jitter, 20 s at most.
            "retries": {"mode": "standard", "total_max_attempts": max_attempts},
            "s3": {"addressing_style": "path" if endpoint else "auto"},
            # Checksums that are not required are sent in a form that many other servers refuse.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }
        self._made: tuple[Any, Requests] | None = None
        self._making = Lock()

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file below the folder `prefix`, in byte order of key, a page of 1,000 at a time."""
        return stored_files(self.runs(prefix))

    def runs(self, prefix: str = "", unlistable: Told | None = None) -> Iterator[Run]:  # noqa: ARG002  never told
        """What `list` lists, folder by folder; see `store.Store.runs`."""
        for page in self._pages(Bucket=self.bucket, Prefix=_head(prefix)):
            run: Run | None = None
            for entry in page.get("Contents", ()):
                folder, _, name = entry["Key"].rpartition("/")
                # Consoles keep an empty object `name/` for a folder.
                if not name:
                    continue
                if run is None or run.folder != folder:
                    if run is not None:
                        yield run
                    run = Run(folder, [])
                modified_ns = _nanoseconds(entry["LastModified"])
                run.files.append((name, entry["Size"], modified_ns, entry["ETag"].strip('"')))
            if run is not None:
                yield run

    def folders(self, prefix: str = "") -> Iterator[str]:
        """The names of the folders right below the folder `prefix`, in byte order."""
        head = _head(prefix)
        names = [
            entry["Prefix"].removeprefix(head).removesuffix("/")
            for page in self._pages(Bucket=self.bucket, Prefix=head, Delimiter="/")
            for entry in page.get("CommonPrefixes", ())
        ]
        # S3 sorts `a-/` before `a/`.
        yield from sorted((name for name in names if name), key=str.encode)

    def stat(self, key: str) -> StoredFile:
        """One HEAD. Raises FileNotFoundError."""
        with speaking_of(self.bucket, key):
            head = self._requests().head(key) or self._client().head_object(Bucket=self.bucket, Key=key)
        return _stored(key, head)

    def open(self, key: str) -> BinaryIO:
        """The whole file, downloaded; seekable. Small ones are in memory, others in a file without a name.

        Raises FileNotFoundError, TimeoutError past `open_seconds`.
        """
        return self.fetch(key)[1]

    def fetch(self, key: str) -> tuple[StoredFile, BinaryIO]:
        """As `open`, with what is known of the very bytes that are read."""
        file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES))  # noqa: SIM115  the caller's
        try:
            stored = self.download(key, file)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return stored, file

    def download(self, key: str, file: BinaryIO) -> StoredFile:
        """The whole content into `file`, which is empty. Raises FileNotFoundError, TimeoutError past `open_seconds`."""
        deadline = time.monotonic() + self.open_seconds
        # botocore tries a request again, but never a body that breaks off.
        for attempt in range(1, self._max_attempts + 1):
            try:
                return self._download(key, file, deadline)
            except ConnectionError:
                if attempt == self._max_attempts or time.monotonic() >= deadline:
                    raise
            file.seek(0)
            file.truncate()
        raise timed_out(self.bucket, key)

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """A real file that one PUT makes `key` when the block ends well; nothing happens when it does not."""
        with tempfile.TemporaryFile() as file:
            yield cast("BinaryIO", file)
            file.seek(0)
            self.put(cast("BinaryIO", file), key)

    def put(self, source: BinaryIO, key: str) -> None:
        """Make what `source`, a real file, holds from here on the content of `key`."""
        headers = {"Content-Type": media_type(key)}
        if self.cache_control:
            headers["Cache-Control"] = self.cache_control
        with speaking_of(self.bucket, key):
            if self._requests().put(key, source, headers) is None:
                named = {name.replace("-", ""): value for name, value in headers.items()}
                self._client().put_object(Bucket=self.bucket, Key=key, Body=source, **named)

    def delete(self, key: str) -> bool:
        """Remove the file. True also where there was none: S3 does not tell."""
        with speaking_of(self.bucket, key):
            self._client().delete_object(Bucket=self.bucket, Key=key)
        return True

    def exists(self, key: str) -> bool:
        try:
            self.stat(key)
        except FileNotFoundError:
            return False
        return True

    def make_bucket(self) -> None:
        """Make the bucket where there is none yet."""
        try:
            next(self.folders(), None)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            with speaking_of(self.bucket, ""):
                self._client().create_bucket(Bucket=self.bucket)

    def _pages(self, **request: str) -> Iterator[Any]:
        with speaking_of(self.bucket, ""):
            pages = iter(self._client().get_paginator("list_objects_v2").paginate(**request))
        while True:
            with speaking_of(self.bucket, ""):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _download(self, key: str, file: BinaryIO, deadline: float) -> StoredFile:
        with speaking_of(self.bucket, key):
            answer = self._requests().get(key) or self._client().get_object(Bucket=self.bucket, Key=key)
            # Closed before its end, a body takes its connection along. (As a context it would be another object,
            # which does not notice its end.)
            with closing(answer["Body"]) as body:
                while block := body.read(_BLOCK_BYTES):
                    if time.monotonic() >= deadline:
                        raise timed_out(self.bucket, key)
                    file.write(block)
        return _stored(key, answer)

    def _client(self) -> Any:
        return self._both()[0]

    def _requests(self) -> Requests:
        return self._both()[1]

    def _both(self) -> tuple[Any, Requests]:
        with self._making:
            if self._made is None:
                with speaking_of(self.bucket, ""):
                    self._made = self._make()
            return self._made

    def _make(self) -> tuple[Any, Requests]:
        import boto3
        from botocore.config import Config

        # A session of its own: boto3's default one is not for several threads.
        session = boto3.session.Session(**self._identity)
        # Given to both: the session would take half a pair of keys for a whole one.
        client = session.client(
            "s3", endpoint_url=self._endpoint, config=Config(**self._settings), **self._identity
        )
        return client, Requests(client, session.get_credentials(), self.bucket, attempts=self._max_attempts)


def _head(prefix: str) -> str:
    return f"{prefix}/" if prefix else ""


def _stored(key: str, answer: Any) -> StoredFile:
    """What the answer to a HEAD or GET tells of the file."""
    modified_ns = _nanoseconds(answer["LastModified"])
    return StoredFile(key, answer["ContentLength"], modified_ns, answer["ETag"].strip('"'))


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
