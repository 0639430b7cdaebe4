"""Create boto3's client for one bucket, at its first use and once per process. Used only by `s3`.

Owns the settings: time limits, retries, addressing, credentials.
"""

from threading import Lock
from typing import Any

from filestore.s3_errors import convert_errors
from filestore.s3_requests import ObjectRequests

LIBRARIES = ("boto3", "botocore.auth", "botocore.httpsession")
"""The modules that this package imports at first use. A fork server can preload them."""


class S3Clients:
    """boto3's client and `ObjectRequests` for the same bucket. Thread-safe."""

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str | None,
        access_key: str | None,
        secret_key: str | None,
        region: str | None,
        connect_seconds: float,
        read_seconds: float,
        max_attempts: int,
        max_connections: int,
    ) -> None:
        self._bucket = bucket
        self._endpoint = endpoint or None
        self._max_attempts = max_attempts
        self._identity = {
            "aws_access_key_id": access_key or None,
            "aws_secret_access_key": secret_key or None,
            "region_name": region or None,
        }
        self._settings = {
            "connect_timeout": connect_seconds,
            "read_timeout": read_seconds,
            "max_pool_connections": max_connections,
            # "standard" retries with exponential back-off and jitter, 20 s at most.
            "retries": {"mode": "standard", "total_max_attempts": max_attempts},
            "s3": {"addressing_style": "path" if endpoint else "auto"},
            # boto3 sends optional checksums in a form that many compatible servers reject.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }
        self._created: tuple[Any, ObjectRequests] | None = None
        self._lock = Lock()

    def get(self) -> tuple[Any, ObjectRequests]:
        """The client and the `ObjectRequests`, created at the first call. Raises OSError for invalid settings."""
        with self._lock:
            if self._created is None:
                with convert_errors(self._bucket, ""):
                    self._created = self._create()
            return self._created

    def _create(self) -> tuple[Any, ObjectRequests]:
        import boto3
        from botocore.config import Config

        # A session of its own: boto3's default session is not thread-safe.
        session = boto3.session.Session(**self._identity)
        # The credentials are passed to the client too: the session alone accepts an access key without a secret key.
        client = session.client(
            "s3", endpoint_url=self._endpoint, config=Config(**self._settings), **self._identity
        )
        requests = ObjectRequests(
            client, session.get_credentials(), self._bucket, attempts=self._max_attempts
        )
        return client, requests
