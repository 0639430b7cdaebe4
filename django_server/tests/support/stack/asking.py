"""Asking the stack as its clients do: each test under an address of its own, since addresses are counted."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from images.errors import ERRORS
from tests.support.stack.stack import Stack

# nginx asks again after `valid=1s`, counted in whole seconds.
FORGOTTEN_SECONDS = 2.1


def client(stack: Stack, address: str = "", local_address: str | None = None) -> httpx.Client:
    """A client that a trusted proxy says is at `address`, one of its own by default.

    `local_address`: connected from there, which no proxy is trusted at.
    """
    number = uuid4().int
    told = address or f"10.{number % 256}.{number // 256 % 256}.{number // 65536 % 256}"
    transport = httpx.HTTPTransport(local_address=local_address)
    headers = {"X-Forwarded-For": told}
    return httpx.Client(base_url=stack.url, timeout=60, transport=transport, headers=headers)


@contextmanager
def only(stack: Stack, service: str, *addresses: str) -> Iterator[None]:
    """A service's name stands for these addresses alone, and nginx has noticed."""
    before = list(stack.names.addresses[service])
    narrow(stack, **{service: addresses})
    try:
        yield
    finally:
        narrow(stack, **{service: before})


def narrow(stack: Stack, **addresses: Iterable[str]) -> None:
    """Services' names stand for these addresses from now on, and nginx has noticed."""
    for service, those in addresses.items():
        stack.names.addresses[service] = list(those)
    time.sleep(FORGOTTEN_SECONDS)


def is_refusal(answer: httpx.Response, code: str, status: int | None = None) -> bool:
    """Whether nginx refused in the app's own words, with the app's own headers."""
    kind = ERRORS[code]
    after = None if kind.retry_after_seconds is None else str(kind.retry_after_seconds)
    return (
        answer.status_code == (status or kind.status)
        and answer.json() == {"error": kind.sentence, "code": code}
        and answer.headers["content-type"].startswith("application/json")
        and answer.headers.get("retry-after") == after
    )


def logged(stack: Stack, answer: httpx.Response) -> dict[str, Any]:
    """nginx's own line about the request of this answer."""
    wanted = answer.headers["x-request-id"]
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        for line in reversed(stack.instances["nginx-1"].log.read_text().splitlines()):
            if wanted in line:
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.05)
    raise AssertionError(f"nginx logged no request {wanted}.")
