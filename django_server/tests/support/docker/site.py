"""A checkout of the project, started with Docker as docs/production.md says."""

import shutil
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.docker.engine import Engine
from tests.support.images.pictures import jpeg
from tests.support.processes.process_tree import eventually
from tests.support.stack.compose import ROOT

_NEEDED = ("django_server", "svelte_app", "nginx", "pgbouncer", "scripts", "docs")
_NOT_COPIED = (
    "node_modules",
    "dist",
    "__pycache__",
    "tests",
    ".*_cache",
    ".hypothesis",
    "*.pem",
    "https.conf",
)
ONE_SHOTS = frozenset({"secrets", "migrate", "svelte_app"})


@dataclass(frozen=True)
class Container:
    """`pid`: of its first process, on this machine; 0 if it is stopped. `health`: empty if it has no check."""

    id: str
    name: str
    service: str
    image: str
    status: str
    health: str
    exit_code: int
    pid: int
    restarts: int

    @property
    def is_broken(self) -> bool:
        return self.service not in ONE_SHOTS and (self.status != "running" or self.health == "unhealthy")

    @property
    def is_unchecked(self) -> bool:
        # Workers are checked once a minute; whether they work, a batch shows.
        return self.health == "starting" and self.service not in ("worker", "bulk")


class Site:
    """`variables`: the content of `.env`. `files`: further compose files."""

    def __init__(self, engine: Engine, folder: Path, variables: Mapping[str, str]) -> None:
        self.engine = engine
        self.folder = folder
        self.variables = dict(variables)
        folder.mkdir()
        for name in _NEEDED:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        for file in (*ROOT.glob("*.yml"), ROOT / ".dockerignore", ROOT / ".env.example"):
            shutil.copy(file, folder)
        self.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.variables['HTTP_PORT']}"

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http://", "ws://", 1) + "/ws/upload/"

    def set(self, **variables: str) -> None:
        """Change `.env`."""
        self.variables |= variables
        (self.folder / ".env").write_text(
            "".join(f"{name}={value}\n" for name, value in self.variables.items())
        )

    def sh(self, command: str, seconds: float = 600.0) -> str:
        """The output of a shell command in the checkout, as an operator runs it. AssertionError if it fails."""
        ran = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self.engine.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-4000:]}\n{ran.stderr[-4000:]}\n{self.logs()}"
        return ran.stdout

    def exec(self, service: str, command: str) -> tuple[int, str]:
        """Exit code and output of a command in a container of the service."""
        ran = subprocess.run(
            ["docker", "compose", "exec", "-T", service, "sh", "-c", command],
            cwd=self.folder,
            env=self.engine.environment,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr

    def containers(self, *services: str) -> list[Container]:
        """All containers of the site, running or not, sorted by name."""
        ids = self.engine.run(
            *("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.folder.name}")
        ).split()
        found = [_container(entry) for entry in self.engine.inspect(ids)]
        return sorted(
            (one for one in found if not services or one.service in services), key=lambda one: one.name
        )

    def ids(self) -> dict[str, str]:
        """The id of each container by its name: another id means that it was recreated."""
        return {one.name: one.id for one in self.containers()}

    def logs(self) -> str:
        """The states of all containers and the end of their logs, for messages of failed tests."""
        shown = subprocess.run(
            ["sh", "-c", "docker compose ps --all; docker compose logs --no-color --tail 15"],
            cwd=self.folder,
            env=self.engine.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return shown.stdout[-12000:] + shown.stderr[-1000:]

    def await_well(self, seconds: float = 150.0) -> None:
        """Returns when every service runs and is healthy, and the site responds to `/readyz` with 200."""

        def is_well() -> bool:
            return self.is_ready() and not any(one.is_broken or one.is_unchecked for one in self.containers())

        assert eventually(is_well, seconds), self.logs()

    def await_ready(self, seconds: float = 150.0) -> None:
        """As `await_well`, without waiting for the first health check of each container."""
        assert eventually(self.is_ready, seconds), self.logs()

    def is_ready(self) -> bool:
        """Whether every service runs, none is unhealthy, and `/readyz` has the status 200."""
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=10)
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and not any(one.is_broken for one in self.containers())

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=120)

    def upload_in_each_mode(self) -> list[str]:
        """Upload one image in each of the three ways, wait until they are completed and return their ids."""
        with self.client() as client:
            ids = [post(client, "/api/upload", {"image": ("a.jpg", jpeg())})["image"]["id"]]
            for path in ("/api/async/upload", "/api/async/batch/upload"):
                accepted = post(client, path, {"images": ("b.jpg", jpeg())})
                ids += [job["id"] for job in accepted["jobs"]]
                self.await_batch(accepted["batch_id"], 1)
            for id_ in ids:
                image = client.get(f"/api/images/{id_}").json()
                assert image["status"] == "completed", image
                assert client.get(image["thumbnails"]["small"]).content[:2] == b"\xff\xd8"
        return ids

    def send_batch(self, images: int, picture: bytes) -> str:
        """Upload one batch for the workers and return its id."""
        files = [("images", (f"{number}.jpg", picture)) for number in range(images)]
        with self.client() as client:
            return str(post(client, "/api/async/batch/upload", files)["batch_id"])

    def await_batch(self, batch: str, images: int, seconds: float = 120.0) -> None:
        """Returns when that many images of the batch are completed, and no other is in it."""
        assert eventually(lambda: self.counts(batch) == {"completed": images}, seconds), (
            f"{self.counts(batch)}\n{self.logs()}"
        )

    def counts(self, batch: str) -> dict[str, int]:
        """The number of images by status; empty while the site does not respond."""
        try:
            answer = httpx.get(f"{self.url}/api/batches/{batch}", timeout=30)
        except httpx.TransportError:
            return {}
        counts = answer.json().get("counts", {}) if answer.status_code == 200 else {}
        return {status: count for status, count in counts.items() if count and status != "total"}


def post(client: httpx.Client, path: str, files: Any) -> dict[str, Any]:
    """The JSON response to an upload. AssertionError if it is not accepted."""
    answer = client.post(path, files=files, headers={"Idempotency-Key": str(uuid.uuid4())})
    assert answer.status_code in (200, 202), f"{answer.status_code} {answer.text[:1000]}"
    found: dict[str, Any] = answer.json()
    return found


def _container(entry: dict[str, Any]) -> Container:
    state = entry["State"]
    return Container(
        id=entry["Id"],
        name=entry["Name"].lstrip("/"),
        service=entry["Config"]["Labels"]["com.docker.compose.service"],
        image=entry["Image"],
        status=state["Status"],
        health=state.get("Health", {}).get("Status", ""),
        exit_code=state["ExitCode"],
        pid=state["Pid"],
        restarts=entry["RestartCount"],
    )
