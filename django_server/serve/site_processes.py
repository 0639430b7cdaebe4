"""The child processes of a site and their command lines, in the order in which to start them.

Pure. Called by `run.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from serve.addresses import own_address
from serve.child_process import ChildSpec
from serve.private_redis import redis_command
from serve.readiness import accepts_connections, returns_200, unavailable_checks
from serve.redis_folder import redis_responds

# A stopped worker finishes the chunk that it is rendering, which takes at most one lease (60 s).
WORKER_GRACE_SECONDS = 60.0
WEB_DRAIN_SECONDS = 20
# uvicorn drains for WEB_DRAIN_SECONDS by itself; two more seconds for its exit.
WEB_GRACE_SECONDS = WEB_DRAIN_SECONDS + 2.0
GRACE_SECONDS = 5.0
VITE_PORT = 5173


@dataclass(frozen=True)
class PrivateRedis:
    """The socket and the executable of the Redis that only this site uses."""

    socket: Path
    executable: str


@dataclass(frozen=True)
class Site:
    """Settings for the command lines. `redis` None: REDIS_URL names another Redis.

    `environment` is for all child processes.
    """

    data_dir: Path
    host: str
    port: int
    server_root: Path
    page_root: Path
    worker_processes: int
    python: str
    environment: Mapping[str, str]
    redis: PrivateRedis | None
    # Together with the host name, unique among all workers that use the same Redis.
    worker_name: str
    sweep_seconds: int = 10
    develop: bool = False

    @property
    def own_host(self) -> str:
        return own_address(self.host)

    @property
    def metrics(self) -> Path:
        """The folder of the metric files of all processes. The web process exports their sums. See `metrics_folder`."""
        return self.data_dir / "metrics"

    def log(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"


def child_specs_of(site: Site) -> list[ChildSpec]:
    """The child processes in the order in which to start them."""
    redis = [_redis(site, site.redis.socket, site.redis.executable)] if site.redis else []
    migrate = _once(site, "migrate", "--noinput")
    web = [_reloading_web(site), _vite(site)] if site.develop else [_web(site)]
    others = [replace(spec, reloads=site.develop) for spec in (_worker(site), _beat(site), _sweeper(site))]
    return [*redis, migrate, *others, *web]


def _redis(site: Site, socket: Path, executable: str) -> ChildSpec:
    return ChildSpec(
        name="redis",
        command=redis_command(executable, socket),
        folder=socket.parent,
        environment=site.environment,
        log=site.log("redis"),
        grace_seconds=GRACE_SECONDS,
        is_ready=partial(redis_responds, socket),
    )


def _worker(site: Site) -> ChildSpec:
    arguments = (
        *("-m", "celery", "--app", "config.celery", "worker"),
        *("--pool", "prefork", "--concurrency", str(site.worker_processes)),
        *("--queues", "uploads,bulk"),
        # Switches off messages between workers, which nothing here uses.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("--hostname", f"{site.worker_name}@%h"),
        *("--loglevel", "WARNING"),
    )
    return _python(site, "worker", arguments, grace_seconds=WORKER_GRACE_SECONDS)


def _beat(site: Site) -> ChildSpec:
    arguments = (
        *("-m", "celery", "--app", "config.celery", "beat"),
        # Keeps the schedule in memory, so SIGKILL can't corrupt a file. A nightly task is skipped if beat is down then.
        *("--scheduler", "celery.beat:Scheduler"),
        *("--loglevel", "WARNING"),
    )
    return _python(site, "beat", arguments)


def _sweeper(site: Site) -> ChildSpec:
    return _python(site, "sweeper", ("manage.py", "sweep", "--every", str(site.sweep_seconds)))


def _web(site: Site) -> ChildSpec:
    arguments = (
        *("-m", "uvicorn", "config.asgi:application"),
        *("--host", site.host, "--port", str(site.port)),
        *("--ws", "images.live.uvicorn_protocol:LiveWebSocketProtocol"),
        # Heartbeat of the WebSocket contract: the server closes a connection that is silent for 90 s.
        *("--ws-ping-interval", "30", "--ws-ping-timeout", "60"),
        *("--ws-max-size", str(2**20), "--ws-per-message-deflate", "false"),
        # Longer than a client's pause between requests (Retry-After is 5 s), so that no client reuses a closed
        # connection.
        *("--timeout-keep-alive", "75"),
        *("--timeout-graceful-shutdown", str(WEB_DRAIN_SECONDS)),
        *("--no-access-log", "--no-server-header", "--log-level", "warning"),
    )
    spec = _python(site, "web", arguments, grace_seconds=WEB_GRACE_SECONDS)
    return _ready_at_readyz(site, spec)


def _reloading_web(site: Site) -> ChildSpec:
    bound = f"[{site.host}]:{site.port}" if ":" in site.host else f"{site.host}:{site.port}"
    spec = _python(site, "web", ("manage.py", "dev_web", bound))
    return replace(_ready_at_readyz(site, spec), log=None)


def _ready_at_readyz(site: Site, spec: ChildSpec) -> ChildSpec:
    address = (site.own_host, site.port, "/readyz")
    return replace(
        spec, is_ready=partial(returns_200, *address), why_not_ready=partial(unavailable_checks, *address)
    )


def _vite(site: Site) -> ChildSpec:
    return ChildSpec(
        name="page",
        # Vite is started directly: a killed `npm run dev` would leave Vite running.
        command=("node_modules/.bin/vite", "--host", site.host, "--port", str(VITE_PORT), "--strictPort"),
        folder=site.page_root,
        environment={**site.environment, "BACKEND": f"http://{site.own_host}:{site.port}"},
        log=None,
        grace_seconds=GRACE_SECONDS,
        is_ready=partial(accepts_connections, site.own_host, VITE_PORT),
    )


def _once(site: Site, *arguments: str) -> ChildSpec:
    return replace(_python(site, arguments[0], ("manage.py", *arguments)), runs_once=True)


def _python(
    site: Site, name: str, arguments: tuple[str, ...], *, grace_seconds: float = GRACE_SECONDS
) -> ChildSpec:
    metrics = {"PROMETHEUS_MULTIPROC_DIR": str(site.metrics)}
    # Only the web process listens at METRICS_LISTEN: it also exports the state of the site.
    no_listener = {} if name == "web" else {"METRICS_LISTEN": ""}
    return ChildSpec(
        name=name,
        command=(site.python, *arguments),
        folder=site.server_root,
        environment={**site.environment, **metrics, **no_listener},
        log=site.log(name),
        grace_seconds=grace_seconds,
    )
