"""An S3 server for tests: moto in a process of its own. It stores objects in memory and checks no signatures."""

import http.client
import shutil
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers.ports import free_port
from tests.support.servers.server_process import ServerProcess


class S3(ServerProcess):
    """Listens on 127.0.0.1 only. Empty after each start. It accepts any credentials."""

    access_key = "tests"
    secret_key = "tests only"

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(self._port)]
        super().__init__(command, folder)

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self._port}"

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/moto-api/data.json", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


@contextmanager
def s3_server() -> Iterator[S3]:
    """A running S3 server without a bucket."""
    folder = Path(tempfile.mkdtemp(prefix="s3-"))
    server = S3(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def make_bucket(server: S3) -> str:
    """The name of a new, empty bucket."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    request = urllib.request.Request(f"{server.url}/{name}", method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310
        return name


def fill(server: S3, bucket: str, files: Mapping[str, bytes]) -> None:
    """Put the files into the bucket over one connection."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=10)
    for key, content in files.items():
        connection.request("PUT", f"/{bucket}/{urllib.parse.quote(key)}", content)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"The S3 server answered {answer.status} for {key!r}.")
    connection.close()
