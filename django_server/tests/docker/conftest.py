"""The engine and the site of this folder: started once, used by all tests, deleted at the end."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.docker.bases import build_bases
from tests.support.docker.engine import Engine
from tests.support.docker.site import Site
from tests.support.servers.ports import free_port
from tests.support.stack.production_page import documented

# The first test waits for packages, base images and the site. `make test` has a limit of its own.
_SECONDS = 1800
# The content of .env. A short lease, because the tests wait for the images of killed workers.
VARIABLES = {"LEASE_SECONDS": "25", "RENDER_SECONDS": "20", "SWEEP_SECONDS": "1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(_SECONDS))


@pytest.fixture(scope="package")
def engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """A running engine with the base images."""
    if shutil.which("dockerd", path="/usr/sbin:/usr/bin") is None:
        pytest.fail("Docker is missing: `sh scripts/docker-tools.sh` installs what these tests need.")
    writer = pytestconfig.get_terminal_writer()
    with tempfile.TemporaryDirectory(prefix="engine-", dir="/tmp") as folder, Engine(Path(folder)) as running:
        build_bases(running, writer.line)
        yield running


@pytest.fixture(autouse=True)
def ready(request: pytest.FixtureRequest) -> None:
    """Every test with the site begins with one that is ready, whatever an earlier test that failed has left."""
    if "site" in request.fixturenames:
        running: Site = request.getfixturevalue("site")
        if not running.is_ready():
            running.sh("docker compose up --detach")
            running.await_ready()


@pytest.fixture(scope="package")
def site(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, started by the command of the section "Start"."""
    running = Site(
        engine, tmp_path_factory.mktemp("docker") / "site", {**VARIABLES, "HTTP_PORT": str(free_port())}
    )
    start, *_ = documented("Start")
    running.sh(start, seconds=1200)
    running.await_well()
    return running
