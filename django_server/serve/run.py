"""Run a site from start to stop: lock, ports, child processes, the line with the address, shutdown.

Called by the command `serve`. The other modules implement the steps; this module calls them in order.
"""

from collections.abc import Callable

from serve.addresses import EVERY_INTERFACE, lan_addresses, own_address, require_free_port, site_url
from serve.child_log import start_log
from serve.child_process import ChildSpec
from serve.instance_lock import instance_lock
from serve.metrics_folder import delete_metrics_folder, prepare_metrics_folder
from serve.redis_folder import delete_redis_socket, prepare_redis_folder
from serve.restart_policy import RestartPolicy
from serve.serve_error import ServeError
from serve.site_processes import VITE_PORT, Site, child_specs_of
from serve.stop_order import stop_order
from serve.stop_signals import StopSignals
from serve.supervisor import Supervisor


def serve(
    site: Site, print_line: Callable[[str], None], plan: Callable[[Site], list[ChildSpec]] = child_specs_of
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
            _supervise(site, plan(site), signals, print_line)
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


def _supervise(
    site: Site, specs: list[ChildSpec], signals: StopSignals, print_line: Callable[[str], None]
) -> None:
    for spec in specs:
        if spec.log:
            start_log(spec.log)
    supervisor = Supervisor(specs, stop_order(specs), signals, print_line, RestartPolicy())
    try:
        supervisor.start_all()
        if not signals.stop_requested:
            print_line(ready_line(site, lan_addresses()))
        supervisor.watch()
    finally:
        supervisor.stop_all()


def _require_page_tools(site: Site) -> None:
    require_free_port(site.host, VITE_PORT, port_setting=None)
    if not (site.page_root / "node_modules" / ".bin" / "vite").exists():
        raise ServeError("The packages of the page are not installed: start the site with `make dev`.")
