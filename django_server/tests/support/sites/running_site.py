"""A whole site for tests: web, worker and sweeper as `manage.py serve` starts them, on given servers or embedded."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.servers import free_port
from tests.support.sites.started_site import SERVER_ROOT, StartedSite, started

# Variables that a developer may have set. They must not reach the site under test.
_OURS = (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "HOST",
    "PORT",
    "DATA_DIR",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "DEBUG",
    "MEDIA_ROOT",
    "INCOMING_ROOT",
    "S3_BUCKET",
    "S3_ENDPOINT",
)


@dataclass(frozen=True)
class RunningSite:
    """A site that responds at `url`, with its data below `data_dir`."""

    url: str
    data_dir: Path
    process: StartedSite
    environment: Mapping[str, str]

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http://", "ws://", 1) + "/ws/upload/"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60)

    def manage(self, *arguments: str, environment: Mapping[str, str]) -> None:
        """Run a command of manage.py on the site's data."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=SERVER_ROOT, env={**self.environment, **environment}, check=True)

    def stored_files(self) -> list[Path]:
        """Every file of the storage and of the spool."""
        folders = [self.data_dir / "media", self.data_dir / "incoming"]
        return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@contextmanager
def running_site(data_dir: Path, settings: Mapping[str, str] | None = None) -> Iterator[RunningSite]:
    """Start a site, with the embedded defaults where `settings` names no other servers; stop it at the end."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in _OURS}
    environment |= {"DATA_DIR": str(data_dir), "PORT": str(port), **(settings or {})}
    port = int(environment["PORT"])
    with started([sys.executable, "manage.py", "serve"], environment) as process:
        assert process.says("is ready"), process.output
        yield RunningSite(f"http://127.0.0.1:{port}", data_dir, process, environment)


def wait_until_final(client: httpx.Client, seconds: float = 60) -> list[dict[str, Any]]:
    """The newest thousand images of the site, once they are all final."""
    deadline = time.monotonic() + seconds
    while True:
        images: list[dict[str, Any]] = client.get("/api/list", params={"limit": 1000}).json()
        if all(image["final"] for image in images):
            return images
        assert time.monotonic() < deadline, [image for image in images if not image["final"]]
        time.sleep(0.1)
