"""HTTP clients of the stack. Each test has its own client address, because rate limits count by address."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from images.error_codes import ERRORS
from tests.support.stack.stack import Stack

# nginx resolves names again after `valid=1s`, in whole seconds.
FORGOTTEN_SECONDS = 2.1


def client(stack: Stack, address: str = "", local_address: str | None = None) -> httpx.Client:
    """A client behind a trusted proxy, with `address` as its own address; a new one by default.

    `local_address`: the address to connect from, if it is not to be that of a trusted proxy.
    """
    number = uuid4().int
    address_header = address or f"10.{number % 256}.{number // 256 % 256}.{number // 65536 % 256}"
    transport = httpx.HTTPTransport(local_address=local_address)
    headers = {"X-Forwarded-For": address_header}
    return httpx.Client(base_url=stack.url, timeout=60, transport=transport, headers=headers)


@contextmanager
def only(stack: Stack, service: str, *addresses: str) -> Iterator[None]:
    """Make the name of a service resolve to these addresses only, and wait until nginx uses them."""
    before = list(stack.names.addresses[service])
    narrow(stack, **{service: addresses})
    try:
        yield
    finally:
        narrow(stack, **{service: before})


def narrow(stack: Stack, **addresses: Iterable[str]) -> None:
    """Make the names of services resolve to these addresses, and wait until nginx uses them."""
    for service, those in addresses.items():
        stack.names.addresses[service] = list(those)
    time.sleep(FORGOTTEN_SECONDS)


def is_refusal(answer: httpx.Response, code: str, status: int | None = None) -> bool:
    """Whether nginx sent the error response of the app, with its headers."""
    kind = ERRORS[code]
    after = None if kind.retry_after_seconds is None else str(kind.retry_after_seconds)
    return (
        answer.status_code == (status or kind.status)
        and answer.json() == {"error": kind.sentence, "code": code}
        and answer.headers["content-type"].startswith("application/json")
        and answer.headers.get("retry-after") == after
    )


def logged(stack: Stack, answer: httpx.Response) -> dict[str, Any]:
    """The line of nginx's log for the request of this response."""
    wanted = answer.headers["x-request-id"]
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for line in reversed(stack.instances["nginx-1"].log.read_text().splitlines()):
            if wanted in line:
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.05)
    raise AssertionError(f"nginx logged no request {wanted}.")
