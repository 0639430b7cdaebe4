"""`serve` from beginning to end: lock, ports, children, the one line with the address, and the way down.

Called by the command `serve`. The parts are in the other modules; this one puts them in order.
"""

from collections.abc import Callable

from serve.addresses import EVERY_INTERFACE, lan_addresses, own_address, require_free_port, site_url
from serve.child_log import begin_log
from serve.child_process import ChildSpec
from serve.child_specs import VITE_PORT, Site, children_of, stop_order
from serve.instance_lock import sole_instance
from serve.metrics_folder import leave_metrics_folder, prepare_metrics_folder
from serve.redis_folder import leave_redis_folder, prepare_redis_folder
from serve.restart_policy import RestartPolicy
from serve.serve_error import ServeError
from serve.stop_signals import StopSignals
from serve.supervisor import Supervisor


def serve(
    site: Site, say: Callable[[str], None], plan: Callable[[Site], list[ChildSpec]] = children_of
) -> None:
    """Runs the children that `plan` names until SIGINT, SIGTERM or SIGHUP; then none of them is left running.

    Raises: ServeError with the reason when it can't start or go on; none is left running then either.
    """
    stop = StopSignals()
    stop.listen()
    with sole_instance(site.data_dir):
        require_free_port(site.host, site.port)
        if site.develop:
            _require_page_tools(site)
        if site.redis:
            prepare_redis_folder(site.redis.socket)
        # Empty: figures begin with the processes that count them.
        prepare_metrics_folder(site.metrics)
        try:
            _supervise(site, plan(site), stop, say)
        finally:
            leave_metrics_folder(site.metrics)
            if site.redis:
                leave_redis_folder(site.redis.socket)


def ready_line(site: Site, lan: list[str]) -> str:
    """The one line that says where the site is. `lan`: this machine's addresses as others see them."""
    port = VITE_PORT if site.develop else site.port
    url = site_url(site.host, port, lan)
    own = site_url(own_address(site.host), port, [])
    also = f"also {own}; " if site.host in EVERY_INTERFACE and own != url else ""
    return f"django-file-upload is ready: {url}  ({also}Ctrl+C stops it)"


def _supervise(site: Site, specs: list[ChildSpec], stop: StopSignals, say: Callable[[str], None]) -> None:
    for spec in specs:
        if spec.log:
            begin_log(spec.log)
    supervisor = Supervisor(specs, stop_order(specs), stop, say, RestartPolicy())
    try:
        supervisor.bring_up()
        if not stop.asked:
            say(ready_line(site, lan_addresses()))
        supervisor.watch()
    finally:
        supervisor.bring_down()


def _require_page_tools(site: Site) -> None:
    require_free_port(site.host, VITE_PORT, port_setting=None)
    if not (site.page_root / "node_modules" / ".bin" / "vite").exists():
        raise ServeError("The page's packages are not installed: start it with `make dev`.")
