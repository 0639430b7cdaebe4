"""The location of an archive (`Storage`), from options, environment and manifest, and the store at that location.

Owns the precedence of options, environment and manifest. A Storage is sent to workers as JSON, so it contains no
secrets.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from filestore.local import LocalStore
from filestore.s3 import S3Store
from filestore.store import Store
from pregen.errors import BadConfiguration, StoreFailure, sentence_of

DEFAULT_PREFIX = "attachments"


@dataclass(frozen=True)
class Storage:
    """A folder (`local_root`) or a bucket. All its keys begin with `prefix`, which may be empty."""

    prefix: str
    local_root: str | None = None
    s3_endpoint: str | None = None
    s3_bucket: str | None = None

    @property
    def type(self) -> str:
        return "s3" if self.s3_bucket else "local"

    @property
    def place(self) -> str:
        """The location in words, for messages."""
        at = f" at {self.s3_endpoint}" if self.s3_endpoint else ""
        return f"bucket {self.s3_bucket}{at}" if self.s3_bucket else f"folder {self.local_root}"

    def as_json(self) -> dict[str, str | None]:
        return asdict(self)


@dataclass(frozen=True)
class StorageOptions:
    """The storage options of the command line. None: the option is not given, which differs from an empty prefix."""

    local_root: str | None = None
    local_prefix: str | None = None
    s3_endpoint: str | None = None
    s3_bucket: str | None = None
    s3_prefix: str | None = None
    s3_access_key: str | None = None
    s3_secret_key: str | None = None


@dataclass(frozen=True)
class Secrets:
    """The S3 credentials. None: boto3 looks for credentials itself."""

    access_key: str | None
    secret_key: str | None

    def __repr__(self) -> str:
        return "Secrets(...)"


def read_secrets(given: StorageOptions, environment: Mapping[str, str]) -> Secrets:
    """Read the S3 credentials. A non-empty option wins over its environment variable."""
    return Secrets(
        given.s3_access_key or environment.get("S3_ACCESS_KEY") or None,
        given.s3_secret_key or environment.get("S3_SECRET_KEY") or None,
    )


def storage_to_scan(given: StorageOptions, environment: Mapping[str, str]) -> Storage:
    """The location to scan. Raises BadConfiguration."""
    if given.local_root:
        return Storage(_clean(given.local_prefix, DEFAULT_PREFIX), local_root=_absolute(given.local_root))
    bucket = given.s3_bucket or environment.get("S3_BUCKET")
    if not bucket:
        raise BadConfiguration(
            "Give the location of the images: --local-root for a folder, or --s3-bucket (or S3_BUCKET) for S3."
        )
    return Storage(
        _clean(given.s3_prefix or environment.get("S3_PREFIX"), DEFAULT_PREFIX),
        s3_endpoint=given.s3_endpoint or environment.get("S3_ENDPOINT") or None,
        s3_bucket=bucket,
    )


def storage_to_generate(given: StorageOptions, environment: Mapping[str, str], scanned: Storage) -> Storage:
    """Where to generate: the local root of the options, else their bucket, else `scanned`, the manifest's location.

    Raises BadConfiguration.
    """
    if given.local_root:
        return Storage(_clean(given.local_prefix, scanned.prefix), local_root=_absolute(given.local_root))
    if not given.s3_bucket and scanned.local_root:
        return Storage(_clean(given.local_prefix, scanned.prefix), local_root=scanned.local_root)
    bucket = given.s3_bucket or scanned.s3_bucket or environment.get("S3_BUCKET")
    if not bucket:
        raise BadConfiguration(
            "The manifest has no location of the images: give --local-root or --s3-bucket."
        )
    return Storage(
        _clean(given.s3_prefix or None, scanned.prefix),
        s3_endpoint=given.s3_endpoint or scanned.s3_endpoint or environment.get("S3_ENDPOINT") or None,
        s3_bucket=bucket,
    )


def open_store(storage: Storage, secret: Secrets, connections: int = 10) -> Store:
    """Open the store and check that it responds. Raises BadConfiguration, StoreFailure."""
    if storage.s3_bucket is None:
        return _open_local(storage)
    store = s3_store(storage, secret, connections)
    try:
        store.check_listable(storage.prefix)
    except OSError as failure:
        raise StoreFailure(sentence_of(failure)) from failure
    return store


def s3_store(storage: Storage, secret: Secrets, connections: int) -> S3Store:
    """The store of a storage with a bucket. Sends no request. Raises BadConfiguration."""
    if storage.s3_bucket is None:
        raise ValueError("storage: without a bucket")
    if find_spec("boto3") is None:
        raise BadConfiguration("S3 needs the package boto3, which is not installed: pip install boto3.")
    return S3Store(
        storage.s3_bucket,
        endpoint=storage.s3_endpoint,
        access_key=secret.access_key,
        secret_key=secret.secret_key,
        max_connections=connections,
    )


def _open_local(storage: Storage) -> LocalStore:
    root = Path(storage.local_root or "")
    if not storage.local_root or not root.is_dir():
        raise BadConfiguration(f"There is no folder {storage.local_root}.")
    if not os.access(root, os.R_OK | os.X_OK):
        raise BadConfiguration(f"The folder {storage.local_root} can't be read.")
    return LocalStore(root)


def _clean(prefix: str | None, otherwise: str) -> str:
    return (otherwise if prefix is None else prefix).strip("/")


def _absolute(root: str) -> str:
    return str(Path(root).absolute())
