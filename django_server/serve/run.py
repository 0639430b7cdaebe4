"""Run a site from start to stop: lock, ports, child processes, the line with the address, shutdown.

Called by the command `serve`. The other modules implement the steps; this module calls them in order.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from serve.addresses import EVERY_INTERFACE, lan_addresses, own_address, require_free_port, site_url
from serve.child_log import start_log
from serve.child_process import ChildSpec
from serve.code_changes import CodeChanges
from serve.instance_lock import instance_lock
from serve.metrics_folder import delete_metrics_folder, prepare_metrics_folder
from serve.redis_folder import delete_redis_socket, prepare_redis_folder
from serve.restart_policy import RestartPolicy
from serve.serve_error import ServeError
from serve.site_processes import VITE_PORT, Site, child_specs_of
from serve.stop_order import stop_order
from serve.stop_signals import StopSignals
from serve.supervisor import Supervisor


@dataclass(frozen=True)
class Reports:
    """What the command knows about the database and this package must not import.

    `warnings`: sentences to print when the site is ready. `unfinished_work`: what the site still works on, for the
    line that is printed at Ctrl+C ("2 images being processed"); empty if nothing or unknown.
    """

    warnings: Callable[[], Iterable[str]] = tuple
    unfinished_work: Callable[[], str] = str


def serve(
    site: Site,
    print_line: Callable[[str], None],
    plan: Callable[[Site], list[ChildSpec]] = child_specs_of,
    reports: Reports = Reports(),
) -> None:
    """Run the processes of `plan(site)` until SIGINT, SIGTERM or SIGHUP. Afterwards none of them is running.

    Raises: ServeError with the reason when the site cannot start or continue; then, too, no process is running.
    """
    signals = StopSignals()
    signals.listen()
    with instance_lock(site.data_dir):
        require_free_port(site.host, site.port)
        if site.develop:
            _require_page_tools(site)
        if site.redis:
            prepare_redis_folder(site.redis.socket)
        # Emptied, so that counters start at zero in each run.
        prepare_metrics_folder(site.metrics)
        try:
            _supervise(site, plan(site), signals, print_line, reports)
        finally:
            delete_metrics_folder(site.metrics)
            if site.redis:
                delete_redis_socket(site.redis.socket)


def ready_line(site: Site, lan: list[str]) -> str:
    """The line with the address of the site. `lan`: the addresses at which other machines reach this one."""
    port = VITE_PORT if site.develop else site.port
    url = site_url(site.host, port, lan)
    own = site_url(own_address(site.host), port, [])
    also = f"also {own}; " if site.host in EVERY_INTERFACE and own != url else ""
    return f"django-file-upload is ready: {url}  ({also}Ctrl+C stops it)"


def stop_line(work: str) -> str:
    """The line at Ctrl+C. `work`: what the site still works on, or an empty string."""
    waiting = f": waiting for {work}" if work else ""
    return f"Stopping{waiting}. Ctrl+C again stops at once."


def _supervise(
    site: Site,
    specs: list[ChildSpec],
    signals: StopSignals,
    print_line: Callable[[str], None],
    reports: Reports,
) -> None:
    for spec in specs:
        if spec.log:
            start_log(spec.log)
    # Created before the processes start, so that a change during the start is found.
    changes = [CodeChanges(site.server_root).found] if site.develop else []
    supervisor = Supervisor(specs, stop_order(specs), signals, print_line, RestartPolicy(), *changes)
    try:
        supervisor.start_all()
        if not signals.stop_requested:
            print_line(ready_line(site, lan_addresses()))
            for warning in reports.warnings():
                print_line(f"Warning: {warning}")
        supervisor.watch()
        print_line(stop_line(reports.unfinished_work()))
    finally:
        supervisor.stop_all()


def _require_page_tools(site: Site) -> None:
    require_free_port(site.host, VITE_PORT, port_setting=None)
    if not (site.page_root / "node_modules" / ".bin" / "vite").exists():
        raise ServeError("The packages of the page are not installed: start the site with `make dev`.")
