"""Which children a site has, with their command lines, in order. Pure; called by `run.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from serve.addresses import own_address
from serve.child_process import ChildSpec
from serve.private_redis import redis_command
from serve.readiness import accepts_connections, answers_ok
from serve.redis_folder import redis_answers

# A worker finishes the chunk it is rendering: at most one lease (60 s).
WORKER_GRACE_SECONDS = 60.0
WEB_DRAIN_SECONDS = 20
# uvicorn keeps its own limit; two seconds more for it to end.
WEB_GRACE_SECONDS = WEB_DRAIN_SECONDS + 2.0
GRACE_SECONDS = 5.0
VITE_PORT = 5173
# Redis last: what still runs needs it.
STOP_ORDER = ("page", "web", "sweeper", "beat", "worker", "redis")


@dataclass(frozen=True)
class PrivateRedis:
    """Where the embedded Redis listens and which program it is."""

    socket: Path
    executable: str


@dataclass(frozen=True)
class Site:
    """What the settings say, for the plan. `redis` None: one elsewhere. `environment`: the children's."""

    data_dir: Path
    host: str
    port: int
    server_root: Path
    page_root: Path
    worker_processes: int
    python: str
    environment: Mapping[str, str]
    redis: PrivateRedis | None
    # Unique among all workers on the same Redis, together with the machine's name.
    worker_name: str
    sweep_seconds: int = 10
    develop: bool = False

    @property
    def own_host(self) -> str:
        return own_address(self.host)

    @property
    def metrics(self) -> Path:
        """Where all children leave what they count: the web process tells of all. See `metrics_folder`."""
        return self.data_dir / "metrics"

    def log(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"


def children_of(site: Site) -> list[ChildSpec]:
    """The children in the order in which they start."""
    redis = [_redis(site, site.redis.socket, site.redis.executable)] if site.redis else []
    migrate = _once(site, "migrate", "--noinput")
    web = [_reloading_web(site), _vite(site)] if site.develop else [_web(site)]
    return [*redis, migrate, _worker(site), _beat(site), _sweeper(site), *web]


def stop_order(specs: list[ChildSpec]) -> list[str]:
    """The names of those that keep running, in the order in which they end."""
    running = {spec.name for spec in specs if not spec.once}
    return [name for name in STOP_ORDER if name in running]


def _redis(site: Site, socket: Path, executable: str) -> ChildSpec:
    return ChildSpec(
        name="redis",
        command=redis_command(executable, socket),
        folder=socket.parent,
        environment=site.environment,
        log=site.log("redis"),
        grace_seconds=GRACE_SECONDS,
        is_ready=partial(redis_answers, socket),
    )


def _worker(site: Site) -> ChildSpec:
    arguments = (
        *("-m", "celery", "--app", "config.celery", "worker"),
        *("--pool", "prefork", "--concurrency", str(site.worker_processes)),
        *("--queues", "uploads,bulk"),
        # Talk among workers, of which nothing here makes use.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("--hostname", f"{site.worker_name}@%h"),
        *("--loglevel", "WARNING"),
    )
    return _python(site, "worker", arguments, grace_seconds=WORKER_GRACE_SECONDS)


def _beat(site: Site) -> ChildSpec:
    arguments = (
        *("-m", "celery", "--app", "config.celery", "beat"),
        # In memory: no file of schedules that a kill could leave broken. A night it was not there for is left out.
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
        # The heartbeat of the contract: a server that hears nothing for 90 s closes.
        *("--ws-ping-interval", "30", "--ws-ping-timeout", "60"),
        *("--ws-max-size", str(2**20), "--ws-per-message-deflate", "false"),
        # Longer than a client waits that was told to come back in 5 s: it would meet a connection just closed.
        *("--timeout-keep-alive", "75"),
        *("--timeout-graceful-shutdown", str(WEB_DRAIN_SECONDS)),
        *("--no-access-log", "--no-server-header", "--log-level", "warning"),
    )
    spec = _python(site, "web", arguments, grace_seconds=WEB_GRACE_SECONDS)
    return replace(spec, is_ready=partial(answers_ok, site.own_host, site.port, "/readyz"))


def _reloading_web(site: Site) -> ChildSpec:
    bound = f"[{site.host}]:{site.port}" if ":" in site.host else f"{site.host}:{site.port}"
    spec = _python(site, "web", ("manage.py", "dev_web", bound))
    return replace(spec, log=None, is_ready=partial(answers_ok, site.own_host, site.port, "/readyz"))


def _vite(site: Site) -> ChildSpec:
    return ChildSpec(
        name="page",
        # What `npm run dev` would start, without npm in between: npm killed leaves Vite behind.
        command=("node_modules/.bin/vite", "--host", site.host, "--port", str(VITE_PORT), "--strictPort"),
        folder=site.page_root,
        environment={**site.environment, "BACKEND": f"http://{site.own_host}:{site.port}"},
        log=None,
        grace_seconds=GRACE_SECONDS,
        is_ready=partial(accepts_connections, site.own_host, VITE_PORT),
    )


def _once(site: Site, *arguments: str) -> ChildSpec:
    return replace(_python(site, arguments[0], ("manage.py", *arguments)), once=True)


def _python(
    site: Site, name: str, arguments: tuple[str, ...], *, grace_seconds: float = GRACE_SECONDS
) -> ChildSpec:
    counting = {"PROMETHEUS_MULTIPROC_DIR": str(site.metrics)}
    # One of them listens where METRICS_LISTEN says: the one that tells the state, too.
    silent = {} if name == "web" else {"METRICS_LISTEN": ""}
    return ChildSpec(
        name=name,
        command=(site.python, *arguments),
        folder=site.server_root,
        environment={**site.environment, **counting, **silent},
        log=site.log(name),
        grace_seconds=grace_seconds,
    )
