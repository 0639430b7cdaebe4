"""A real Celery worker on the test's database, Redis and data folder, with the command line that `serve` gives it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serve.child_process import Child
from serve.site_processes import Site, child_specs_of
from tests.support.processes.process_tree import all_end, descendants, eventually
from tests.support.processes.site_environment import site_environment
from tests.support.sites.started_site import SERVER_ROOT

_END_SECONDS = 30.0


def child_of(folder: Path, name: str, processes: int = 1, **environment: str) -> Child:
    """The child of that name that `serve` would start on the test's servers, not started."""
    site = Site(
        data_dir=folder,
        host="127.0.0.1",
        port=1,
        server_root=SERVER_ROOT,
        page_root=folder,
        worker_processes=processes,
        python=sys.executable,
        environment={**site_environment(), **environment},
        redis=None,
        worker_name="test",
    )
    (spec,) = [spec for spec in child_specs_of(site) if spec.name == name]
    (folder / "logs").mkdir(exist_ok=True)
    return Child(spec)


@contextmanager
def worker(folder: Path, processes: int = 1) -> Iterator[Child]:
    """A running worker, which is killed at the end if it does not finish within half a minute."""
    child = child_of(folder, "worker", processes)
    child.start()
    try:
        yield child
    finally:
        pid = pid_of(child)
        pids = {pid, *descendants(pid)}
        child.terminate()
        if not all_end(pids, _END_SECONDS):
            child.kill()
        # A process whose main thread has ended counts as exited, but can be waited for only when all threads have.
        assert eventually(lambda: not child.is_running)
        child.kill_process_group()


def pid_of(child: Child) -> int:
    assert child._process is not None
    return child._process.pid
