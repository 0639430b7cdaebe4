"""The back-up of docs/production.md, line by line: create it, delete the images, restore everything."""

import os
import re
import subprocess
from pathlib import Path

from tests.support.images.pictures import jpeg
from tests.support.servers.postgres import installed_programs, wheel_programs
from tests.support.stack.asking import client
from tests.support.stack.production_page import documented
from tests.support.stack.stack import Stack

_STOP = re.compile(r"docker compose stop (.*)")
_UP = re.compile(r"docker compose up ")
# Inside the container the program is called directly.
_INSIDE = re.compile(r"docker compose (?:exec -T db|run --rm --no-deps -T worker) ")


def test_what_was_backed_up_comes_back(stack: Stack, tmp_path: Path) -> None:
    commands = documented("Back up and restore")
    stops = next(number for number, line in enumerate(commands) if _STOP.match(line))
    with client(stack) as asking:
        id_ = asking.post("/api/upload", files={"image": ("kept.jpg", jpeg())}).json()["image"]["id"]
        image = asking.get(f"/api/images/{id_}").json()
        stopped = run(stack, commands[:stops], tmp_path)
        assert stopped == []
        assert asking.delete(f"/api/images/{image['id']}").status_code == 204
        assert asking.get(image["original"]).status_code == 404
    stopped = run(stack, commands[stops:], tmp_path)
    assert {name.rpartition("-")[0] for name in stopped} == {*stack.services} - {
        *("db", "redis", "s3", "secrets", "migrate", "svelte_app")
    }
    stack.start(*stopped)
    with client(stack) as asking:
        assert asking.get(f"/api/images/{image['id']}").json() == image
        assert asking.get(image["original"]).content == jpeg()
        assert asking.get(image["thumbnails"]["small"]).status_code == 200


def run(stack: Stack, commands: list[str], folder: Path) -> list[str]:
    """Run the commands as written. Returns the instances that they stopped."""
    programs = installed_programs() or wheel_programs()
    database = {"PGHOST": str(stack.folder / "cluster"), "PGPORT": stack.places.ports["5432"]}
    environment = {**os.environ, **database, "PATH": f"{programs}:{os.environ['PATH']}"}
    stopped: list[str] = []
    for line in commands:
        if named := _STOP.match(line):
            stopped = [one.name for service in named[1].split() for one in stack.of(service)]
            stack.stop(*stopped)
        elif _UP.search(line):
            # As at the start of the service, with the secret set.
            assert (folder / "secret_key").read_text() == stack.places.path("secrets/secret_key").read_text()
        else:
            here = stack.places.text(_INSIDE.sub("", line))
            subprocess.run(["sh", "-c", here], cwd=folder, env=environment, check=True)
    return stopped
