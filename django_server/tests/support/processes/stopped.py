"""A program that runs one action of the app and kills itself with SIGKILL at one call of a named function.

    python -m tests.support.processes.stopped {before|after} MODULE:NAME COUNT ACTION [ARGUMENT...]

It dies right before or right after the COUNTth call of the function. ACTION is `upload` (address, field, files…),
`process` (ids…), `hand-back` (ids…), `delete` (id) or `thumbnails` (id). The environment names the servers and the
data folder.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID


def stop_at(when: str, place: str, count: int) -> None:
    """Replace the named function with one that ends the process."""
    module_name, _, path = place.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module_name)
    for part in owners:
        owner = getattr(owner, part)
    setattr(owner, name, _ending(getattr(owner, name), when, count))


def _ending(function: Callable[..., Any], when: str, count: int) -> Callable[..., Any]:
    calls = 0

    def ending(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **kwargs)
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return ending


def act(action: str, arguments: list[str]) -> None:
    from django.test import Client

    from images.deletion import delete_images
    from images.models import Image
    from images.processing.worker_loop import process
    from images.thumbnails.generate import generate_in_worker
    from images.worker_stop_flag import set_worker_stopping

    match action:
        case "upload":
            address, field, *paths = arguments
            files = [Path(path).open("rb") for path in paths]  # noqa: SIM115  the process ends before
            Client().post(address, {field: files}, headers={"host": "localhost"})
        case "process":
            process([UUID(id_) for id_ in arguments])
        case "hand-back":
            set_worker_stopping()
            process([UUID(id_) for id_ in arguments])
        case "thumbnails":
            generate_in_worker(UUID(arguments[0]))
        case "delete":
            delete_images(Image.objects.filter(id__in=arguments))


if __name__ == "__main__":
    import django

    django.setup()
    stop_at(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    act(sys.argv[4], sys.argv[5:])
