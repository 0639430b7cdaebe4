"""Starts a site for a benchmark: web, worker and sweeper on a PostgreSQL and a Redis of its own.

`site` yields the site, `site_on_servers` also the two servers, whose CPU some benchmarks measure. Used by the
benchmarks that need a site.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from cpu import cpu_seconds

from tests.support.servers import postgres, redis_server
from tests.support.sites.fault_site import FaultSite as SiteOnServers
from tests.support.sites.running_site import RunningSite, running_site

__all__ = ["SiteOnServers", "cpu_of", "site", "site_on_servers"]


@contextmanager
def site(settings: Mapping[str, str] | None = None) -> Iterator[RunningSite]:
    """The site with additional settings. Its files and servers are deleted at the end."""
    with site_on_servers(settings) as on_servers:
        yield on_servers.site


@contextmanager
def site_on_servers(settings: Mapping[str, str] | None = None) -> Iterator[SiteOnServers]:
    """The same, with PostgreSQL and Redis."""
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-site-")))
        database = resources.enter_context(postgres())
        redis = resources.enter_context(redis_server())
        servers = {
            "DATABASE_URL": database.url,
            "REDIS_URL": redis.url,
            "SECRET_KEY": "for benchmarks only",
        }
        running = resources.enter_context(running_site(folder, {**servers, **(settings or {})}))
        yield SiteOnServers(running, database, redis)


def cpu_of(running: SiteOnServers) -> float:
    """The CPU seconds of all the site's processes and of its PostgreSQL and Redis so far."""
    return cpu_seconds(running.site.process.process.pid, running.postgres.pid, running.redis.pid)
