"""Load generator: uploads, list pages at random cursors, or thumbnails, with a report on latency and errors.

    python benchmarks/load.py http://127.0.0.1:8000 uploads --endpoint batch --count 500 --per-request 50
    python benchmarks/load.py http://127.0.0.1:8000 uploads --endpoint upload --count 1000 --concurrency 1000
    python benchmarks/load.py http://127.0.0.1:8000 lists --count 2000 --json

Bounded in count and time. Exit code 1: the error rate exceeds --max-error-rate; 2: it could not start. A failed request
does not end the run. Addresses other than loopback are refused unless an option confirms that the server is yours.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import random
import resource
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from load_report import Answer, report_of
from load_requests import PATHS, Lists, Requests, Thumbnails, Uploads, generated_pictures, pictures_of

MAX_REQUESTS = 1_000_000
MAX_SECONDS = 3600
MAX_CONCURRENCY = 5000
_SPARE_FILES = 64
_LISTED = 200


class CannotStart(Exception):
    """The load cannot start; its text is the reason."""


def is_this_machine(host: str) -> bool:
    """Whether all addresses of the host are loopback addresses."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise CannotStart(f"The host {host} is not known.") from error
    return all(ipaddress.ip_address(address).is_loopback for address in found)


def check_address(url: httpx.URL, owned: bool) -> None:
    """Raises CannotStart if the address must not be load-tested."""
    if url.scheme not in ("http", "https") or not url.host:
        raise CannotStart("The address must begin with http:// or https:// and name a host.")
    if not owned and not is_this_machine(url.host):
        raise CannotStart(
            f"{url.host} is not this machine. Say --i-own-this-server if it is yours to put load on."
        )


async def answer_of(client: httpx.AsyncClient, requests: Requests, seconds: float) -> Answer:
    """Send the next request. A failure is recorded as an outcome."""
    request = requests.next(client)
    sent = int(request.headers.get("content-length", 0))
    started = time.perf_counter()
    received = 0
    try:
        async with asyncio.timeout(seconds):
            if request.url.host != client.base_url.host:
                outcome = "another host"  # a separate storage server, which is not to be tested
            else:
                answer = await client.send(request)
                received = len(answer.content)
                outcome = str(answer.status_code)
                requests.learn(answer)
    except (TimeoutError, httpx.TimeoutException):
        outcome = "timeout"
    except (httpx.HTTPError, httpx.StreamError, OSError):
        outcome = "connection"
    return Answer(outcome, time.perf_counter() - started, sent, received)


async def put_load(
    new_client: Callable[[], httpx.AsyncClient], requests: Requests, options: argparse.Namespace, number: int
) -> list[Answer]:
    """`number` requests, `options.concurrency` at a time, until `options.seconds` have passed."""
    answers: list[Answer] = []
    deadline = time.monotonic() + options.seconds
    left = iter(range(number))

    async def one_after_another() -> None:
        # One client per slot: a pool searches all of its connections, a thousand of them, for each request.
        async with new_client() as client:
            for _ in left:
                seconds = min(options.timeout, deadline - time.monotonic())
                if seconds <= 0:
                    return
                answers.append(await answer_of(client, requests, seconds))

    await asyncio.gather(*(one_after_another() for _ in range(min(options.concurrency, number))))
    return answers


async def requests_of(client: httpx.AsyncClient, options: argparse.Namespace) -> tuple[Requests, int]:
    """The requests to send, and their number. Raises CannotStart."""
    chance = random.Random(options.seed)
    try:
        if options.what == "uploads":
            pictures = (
                pictures_of(options.folder)
                if options.folder
                else generated_pictures(options.megapixels, options.seed)
            )
            uploads = Uploads(options.endpoint, pictures, options.per_request, options.count)
            return uploads, uploads.requests
        if options.what == "lists":
            return Lists(options.page, chance), options.count
        listed = await client.get("/api/list", params={"limit": _LISTED}, timeout=options.timeout)
        return Thumbnails(listed.raise_for_status().json(), chance), options.count
    except (ValueError, httpx.HTTPError) as error:
        reason = str(error) if type(error) is ValueError else "The list of images could not be read."
        raise CannotStart(reason) from error


async def run(options: argparse.Namespace) -> int:
    """The exit code."""
    url = httpx.URL(options.url)
    check_address(url, options.i_own_this_server)
    headers = {"Authorization": f"Bearer {options.token}"} if options.token else {}
    trusted = httpx.create_ssl_context(
        trust_env=False
    )  # creating it takes a hundred times as long as the rest of a client

    def new_client() -> httpx.AsyncClient:
        # No proxy from the environment: the load is for the named server only.
        return httpx.AsyncClient(
            base_url=url, headers=headers, timeout=options.timeout, trust_env=False, verify=trusted
        )

    async with new_client() as client:
        requests, number = await requests_of(client, options)
    started = time.perf_counter()
    answers = await put_load(new_client, requests, options, number)
    report = report_of(answers, time.perf_counter() - started)
    print(json.dumps(report.as_json(), indent=2) if options.json else report.as_text())
    return 1 if report.error_rate > options.max_error_rate else 0


def allow_open_files(wanted: int) -> None:
    """Raise the limit of file descriptors for that number of connections, if the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    maximum = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, maximum), hard))


def bounded(maximum: float, *, whole: bool = True) -> Callable[[str], float]:
    """An argument type: a positive number up to `maximum`."""

    def read(text: str) -> float:
        value = int(text) if whole else float(text)
        if not 0 < value <= maximum:
            raise argparse.ArgumentTypeError(f"must be above 0 and at most {maximum:,}")
        return value

    return read


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url", help="of the server, as http://127.0.0.1:8000")
    parser.add_argument("what", choices=("uploads", "lists", "thumbnails"))
    parser.add_argument(
        "--count", type=bounded(MAX_REQUESTS), default=100, help="images, or requests that read"
    )
    parser.add_argument("--concurrency", type=bounded(MAX_CONCURRENCY), default=8, help="requests at a time")
    parser.add_argument("--endpoint", choices=tuple(PATHS), default="batch")
    parser.add_argument("--per-request", type=bounded(1000), default=1, help="files in one request")
    parser.add_argument("--folder", type=Path, help="of images; by default they are generated")
    parser.add_argument(
        "--megapixels", type=bounded(100, whole=False), default=1.0, help="of generated images"
    )
    parser.add_argument("--page", type=bounded(1000), default=100, help="images in a page of the list")
    parser.add_argument("--seconds", type=bounded(MAX_SECONDS, whole=False), default=300.0, help="at most")
    parser.add_argument(
        "--timeout", type=bounded(MAX_SECONDS, whole=False), default=60.0, help="of one request"
    )
    parser.add_argument("--max-error-rate", type=float, default=0.0, help="0 to 1")
    parser.add_argument("--token", help="API_TOKEN of the server")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--i-own-this-server", action="store_true", help="allow other machines than this one")
    options = parser.parse_args(arguments)
    if options.endpoint == "upload" and options.per_request > 1:
        parser.error("The endpoint upload takes one file a request.")
    return options


def main() -> None:
    options = parse()
    allow_open_files(options.concurrency + _SPARE_FILES)
    try:
        code = asyncio.run(run(options))
    except CannotStart as error:
        print(error, file=sys.stderr)
        code = 2
    sys.exit(code)


if __name__ == "__main__":
    main()
