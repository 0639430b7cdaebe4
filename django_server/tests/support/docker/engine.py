"""A Docker engine with folders of its own. When it has stopped, the machine is as before.

`scripts/docker-tools.sh` installs the programs. Images, layers and plugins stay in the cache for the next run.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from signal import SIGTERM
from typing import Any

from tests.support.docker.firewall import Firewall
from tests.support.processes.process_tree import eventually
from tests.support.servers.leash import leashed

# A stop waits for the containers, of which a worker may take 75 s.
_STOP_SECONDS = 120.0
# Of other programs with the same names, those of Debian's packages.
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def cache_folder() -> Path:
    """The folder of docker-tools.sh, too."""
    if named := os.environ.get("DOCKER_TESTS_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "django-file-upload" / "docker"


class Engine:
    """`folder`: a new folder with a short path, because it has the engine's sockets."""

    def __init__(self, folder: Path) -> None:
        self.cache = cache_folder()
        self.environment = {
            "PATH": _PATH,
            "HOME": str(folder),
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
            "DOCKER_CONFIG": str(self.cache / "cli"),
            "DOCKER_BUILDKIT": "1",
        }
        self._folder = folder
        self._firewall = Firewall()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Engine":
        self._firewall.save()
        try:
            self.start()
            self._delete_leftovers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as last:
            last.callback(self._firewall.restore)
            last.callback(self.stop)
            if not self._ended():
                self._delete_leftovers()

    def start(self) -> None:
        """AssertionError with the log if it does not respond within a minute."""
        log = self._folder / "log"
        command = [
            *(
                "dockerd",
                "--data-root",
                str(self.cache / "engine"),
                "--exec-root",
                str(self._folder / "exec"),
            ),
            *("--host", self.environment["DOCKER_HOST"], "--pidfile", str(self._folder / "pid")),
            *("--config-file", str(self._configuration()), "--log-level", "warn", "--ip6tables=false"),
        ]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                leashed(command, SIGTERM), env=self.environment, stdout=output, stderr=output
            )
        responds = eventually(lambda: self._ended() or self._responds(), 60)
        assert responds, log.read_text()[-3000:]
        assert not self._ended(), log.read_text()[-3000:]

    def stop(self) -> None:
        """Stop the engine, which stops its containers."""
        if self._process is not None and not self._ended():
            self._process.terminate()
            self._process.wait(_STOP_SECONDS)

    def run(self, *arguments: str, seconds: float = 600.0) -> str:
        """The output of `docker ARGUMENTS`. AssertionError with the messages if it fails."""
        ran = subprocess.run(
            ["docker", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert ran.returncode == 0, (
            f"docker {' '.join(arguments)}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
        )
        return ran.stdout

    def inspect(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """What the engine knows about these containers."""
        found: list[dict[str, Any]] = json.loads(self.run("inspect", *ids)) if ids else []
        return found

    def _configuration(self) -> Path:
        """An empty configuration, in place of that of an engine which may be installed here."""
        path = self._folder / "daemon.json"
        path.write_text("{}")
        return path

    def _responds(self) -> bool:
        with suppress(AssertionError):
            return bool(self.run("version", "--format", "{{.Server.Version}}"))
        return False

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _delete_leftovers(self) -> None:
        """Containers, volumes and networks of this run or of a killed one, and images without a name."""
        if ids := self.run("ps", "--all", "--quiet").split():
            self.run("rm", "--force", "--volumes", *ids)
        if names := self.run("volume", "ls", "--quiet").split():
            self.run("volume", "rm", *names)
        self.run("network", "prune", "--force")
        self.run("image", "prune", "--force")
        self.run("builder", "prune", "--force", "--keep-storage", "6gb")
