"""`serve` with stand-ins for web, sweeper and worker, and a real Redis.

    python -m tests.support.sites.standin_site DATA_DIR PORT NAME=BEHAVIOUR...

Behaviours are those of standin_child.py.
"""

import os
import sys
from pathlib import Path

from serve.child_process import ChildSpec
from serve.private_redis import redis_executable, socket_path
from serve.run import serve
from serve.serve_error import ServeError
from serve.site_processes import PrivateRedis, Site, child_specs_of

GRACE_SECONDS = 3.0


def main(data_dir: Path, port: int, behaviours: dict[str, str]) -> None:
    site = Site(
        data_dir=data_dir,
        host="127.0.0.1",
        port=port,
        server_root=data_dir,
        page_root=data_dir,
        worker_processes=1,
        python=sys.executable,
        environment=os.environ,
        redis=PrivateRedis(socket_path(data_dir), redis_executable()),
        worker_name="standin",
    )

    def plan(planned: Site) -> list[ChildSpec]:
        redis = child_specs_of(planned)[0]
        script = str(Path(__file__).with_name("standin_child.py"))
        return [
            redis,
            *(
                ChildSpec(
                    name=name,
                    command=(sys.executable, script, str(data_dir), name, behaviour),
                    folder=data_dir,
                    environment=os.environ,
                    log=planned.log(name),
                    grace_seconds=GRACE_SECONDS,
                    is_ready=lambda name=name: f"start {name} " in (data_dir / "events").read_text(),  # type: ignore[misc]
                )
                for name, behaviour in behaviours.items()
            ),
        ]

    try:
        serve(site, lambda line: print(line, flush=True), plan)
    except ServeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "events").touch()
    main(folder, int(sys.argv[2]), dict(pair.split("=") for pair in sys.argv[3:]))
