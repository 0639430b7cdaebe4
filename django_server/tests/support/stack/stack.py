"""The production stack, native: every service of docker-compose.yml with its own command, environment and files.

Only addresses, ports and folders differ (`places`). What Compose and the images' entrypoints do is done here: the
order of the start, PostgreSQL's first database, nginx's templates, names that stand for the running instances.
"""

import os
import pwd
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tests.support.servers import free_port
from tests.support.servers.postgres import (
    installed_programs,
    runnable_by,
    unprivileged_account,
    wheel_programs,
)
from tests.support.stack import cluster
from tests.support.stack.compose import ROOT, Service, services
from tests.support.stack.instance import Instance
from tests.support.stack.layout import lay_out
from tests.support.stack.name_server import NameServer
from tests.support.stack.places import PORTS, Places
from tests.support.stack.programs import found_here

SERVER_ROOT = ROOT / "django_server"
# Compose's order: dependencies first.
_ORDER = ("db", "pgbouncer", "redis", "web", "live", "worker", "bulk", "sweeper", "beat", "nginx")
_SCALE = {"web": 2, "live": 2, "worker": 2}
# Refuse root, or would read what their container can't.
_UNPRIVILEGED = ("db", "pgbouncer", "nginx")
_ADDRESS = "127.77.0."
# The default of the image.
_NGINX_COMMAND = ("nginx", "-g", "daemon off;")


@dataclass
class Stack:
    """`variables`: the content of `.env`. Instances have Compose's names: web-1, web-2."""

    folder: Path
    variables: Mapping[str, str]
    instances: dict[str, Instance] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.services = services(self.variables)
        numbered = [f"{name}-{n}" for name in _ORDER for n in range(1, _SCALE.get(name, 1) + 1)]
        self._address_of = {name: f"{_ADDRESS}{number}" for number, name in enumerate(numbered, 10)}
        self._address_of["nginx-1"] = "127.0.0.1"
        single = {name: self._address_of[f"{name}-1"] for name in ("db", "pgbouncer", "redis")}
        self.places = Places(self.folder, {port: str(free_port()) for port in PORTS}, single)
        self.names = NameServer()
        self._name_port = free_port()
        self._account = unprivileged_account() or ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.places.ports['8080']}"

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http://", "ws://", 1) + "/ws/upload/"

    @cached_property
    def _postgres(self) -> Path:
        """The folder of PostgreSQL's programs, executable by its account."""
        return runnable_by(self._account or None, installed_programs() or wheel_programs(), self.folder)

    def of(self, service: str) -> list[Instance]:
        return [one for name, one in self.instances.items() if name.rpartition("-")[0] == service]

    def up(self) -> None:
        """`docker compose up --scale web=2 --scale live=2 --scale worker=2`; returns when all are healthy."""
        environment = self._environment(self.services["nginx"], "nginx-1")
        lay_out(self.places, environment, self._address_of["pgbouncer-1"], self._account)
        self.names.start(self._name_port)
        self.run_once("secrets")
        self.run_once("svelte_app")
        cluster.make(self._postgres, self.services["db"].environment, self.places, self._account or None)
        for name in ("db", "pgbouncer", "redis"):
            self._add(name)
        self._await(("db", "pgbouncer", "redis"))
        self.run_once("migrate")
        for name in _ORDER:
            if not self.of(name):
                self._add(name)
        self._await(_ORDER)

    def down(self) -> None:
        """Stop all processes, dependencies last."""
        needed = [one for name in ("db", "pgbouncer", "redis") for one in self.of(name)]
        try:
            for those in ([one for one in self.instances.values() if one not in needed], needed):
                _stop_all([one for one in those if one.is_running])
        finally:
            for one in self.instances.values():
                one.kill()
            if self.names.is_running:
                self.names.stop()

    def stop(self, *names: str) -> None:
        """Stop instances; their names' other addresses stay. AssertionError when one needs longer than its grace."""
        those = [self.instances[name] for name in names]
        for one in those:
            self._forget(one)
        _stop_all(those)

    def start(self, *names: str) -> None:
        """Start the instances again and wait until they are healthy."""
        those = [self.instances[name] for name in names]
        for one in those:
            one.start()
            # Docker resolves the name before the process listens, too.
            self.names.addresses.setdefault(one.name.rpartition("-")[0], []).append(one.address)
        for one in those:
            one.await_health()

    def scale_up(self, service: str) -> Instance:
        """Start one more instance of the service, as by `--scale`, and wait until it is healthy."""
        name = f"{service}-{len(self.of(service)) + 1}"
        self._address_of[name] = f"{_ADDRESS}{100 + len(self.instances)}"
        self.instances[name] = self._instance(self.services[service], name, self._address_of[name])
        self.start(name)
        return self.instances[name]

    def scale_down(self, name: str) -> None:
        """Stop an instance and remove it from the stack."""
        self.stop(name)
        del self.instances[name]

    def one_off(self, service: str, *command: str, **environment: str) -> Instance:
        """A further instance of a service, with its own command and variables if given. Not started."""
        named = self.services[service]
        changed = replace(
            named, command=command or named.command, environment={**named.environment, **environment}
        )
        return self._instance(changed, f"{service}-once", "127.0.0.1")

    def run_once(self, service: str, *command: str) -> str:
        """What `docker compose run --rm SERVICE COMMAND` prints. AssertionError if it fails."""
        one = self.one_off(service, *command)
        one.start()
        assert one.wait(120) == 0, one.log_end
        if service == "secrets":
            self._let_read(self.places.path("secrets"))
        return one.log_end

    def manage(self, *arguments: str) -> str:
        """What `docker compose exec worker python manage.py ARGUMENTS` prints."""
        return self.run_once("migrate", "python", "manage.py", *arguments)

    def _add(self, service: str) -> None:
        for number in range(1, _SCALE.get(service, 1) + 1):
            name = f"{service}-{number}"
            self.instances[name] = self._instance(self.services[service], name, self._address_of[name])
            self.instances[name].start()
            self.names.addresses.setdefault(service, []).append(self._address_of[name])

    def _await(self, wanted: tuple[str, ...]) -> None:
        for service in wanted:
            for one in self.of(service):
                one.await_health()

    def _forget(self, one: Instance) -> None:
        known = self.names.addresses[one.name.rpartition("-")[0]]
        if one.address in known:
            known.remove(one.address)

    def _instance(self, service: Service, name: str, address: str) -> Instance:
        account = self._account if service.name in _UNPRIVILEGED else ""
        log = self.folder / "logs" / f"{name}.log"
        log.touch()
        if account:
            # The output of a container belongs to its user.
            shutil.chown(log, account)
        command = self.places.command(service.command or _NGINX_COMMAND, address)
        health = self.places.command(service.health, address)
        return Instance(
            name,
            address,
            found_here(command, name, self.places, self._postgres),
            self._environment(service, name),
            self.folder if account else SERVER_ROOT,
            health=found_here(health, name, self.places, self._postgres) if health else [],
            stop_signal=service.stop_signal,
            grace_seconds=service.grace_seconds,
            log=log,
            account=account,
            tmpfs=self.places.path(f"run/metrics/{name}"),
        )

    def _environment(self, service: Service, name: str) -> dict[str, str]:
        ours = {key: self.places.text(value) for key, value in service.environment.items()}
        if "METRICS_LISTEN" in ours:
            ours["METRICS_LISTEN"] = self.places.bound(
                service.environment["METRICS_LISTEN"], self._address_of.get(name, "127.0.0.1")
            )
            # A tmpfs belongs to one container.
            ours["PROMETHEUS_MULTIPROC_DIR"] += f"/{name}"
        if service.name == "nginx":
            ours["RESOLVER"] = f"127.0.0.1:{self._name_port}"
        path = f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        container = {"PATH": path, "HOME": str(self.folder / "tmp"), "HOSTNAME": name, "LANG": "C.UTF-8"}
        # Tests may run as root; containers do not.
        container["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser privileges"
        return {**container, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", **ours}

    def _let_read(self, secrets: Path) -> None:
        """`group_add` of the compose file: pgbouncer and db may read the secrets."""
        if self._account:
            group = pwd.getpwnam(self._account).pw_gid
            for path in (secrets, *secrets.iterdir()):
                os.chown(path, -1, group)


def _stop_all(those: list[Instance]) -> None:
    for one in those:
        one.ask_to_stop()
    for one in those:
        one.await_stop()
