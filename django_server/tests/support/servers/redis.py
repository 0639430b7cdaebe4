"""A Redis for tests: the one that a site would start (`serve.private_redis`); on a unix socket only."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serve.private_redis import redis_command, redis_executable
from serve.redis_folder import redis_responds
from tests.support.servers.server_process import ServerProcess


class Redis(ServerProcess):
    """Stores nothing on disk: it is empty after each start."""

    def __init__(self, executable: str, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        super().__init__(list(redis_command(executable, self._socket)), folder)

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def answers(self) -> bool:
        return redis_responds(self._socket)


@contextmanager
def redis_server(executable: str | None = None, folder: Path | None = None) -> Iterator[Redis]:
    """A running, empty Redis. `executable`: another program than the default one.

    `folder`: a folder that does not exist yet, for its socket `redis.sock`; by default a temporary one.
    """
    if folder is None:
        # A short path: a socket's path has at most about a hundred bytes, and pytest's folders are deep.
        folder = Path(tempfile.mkdtemp(prefix="redis-"))
    else:
        folder.mkdir()
    server = Redis(executable or redis_executable(), folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
