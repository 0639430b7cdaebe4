"""An S3 server with an empty bucket for each test."""

from collections.abc import Iterator

import pytest

from filestore.s3 import S3Store
from tests.servers import S3, s3_server
from tests.servers.s3 import make_bucket


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def store(s3: S3) -> S3Store:
    return S3Store(make_bucket(s3), endpoint=s3.url, access_key=s3.access_key, secret_key=s3.secret_key)
