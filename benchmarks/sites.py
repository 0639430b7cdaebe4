"""A really started site for a benchmark: web, worker and sweeper on a PostgreSQL and a Redis of its own.

Used by the benchmarks that need one.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.servers import postgres, redis_server
from tests.site.running import RunningSite, running_site


@contextmanager
def site(settings: Mapping[str, str] | None = None) -> Iterator[RunningSite]:
    """The site, with these settings besides; its files and servers are gone at the end."""
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-site-")))
        servers = {
            "DATABASE_URL": resources.enter_context(postgres()).url,
            "REDIS_URL": resources.enter_context(redis_server()).url,
            "SECRET_KEY": "for benchmarks only",
        }
        yield resources.enter_context(running_site(folder, {**servers, **(settings or {})}))
