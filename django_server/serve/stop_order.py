"""The order in which the processes of `make run` are stopped. Pure; called by `serve.run`."""

from serve.child_process import ChildSpec

# Redis last: the processes before it need it until they end.
STOP_ORDER = ("page", "web", "sweeper", "beat", "worker", "redis")


def stop_order(specs: list[ChildSpec]) -> list[str]:
    """The names of the processes that keep running, in the order in which they are stopped."""
    running = {spec.name for spec in specs if not spec.runs_once}
    return [name for name in STOP_ORDER if name in running]
