"""Reads the metrics with Prometheus's parser, and the logs as one JSON object per line."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.stack.instance import Instance
from tests.support.stack.stack import Stack

# Lines that programs write outside the log format: nginx on its upstreams, Celery at shutdown.
_ITS_OWN = re.compile(
    r"\d{4}/\d\d/\d\d [\d:]{8} \[(warn|error)\] |(worker: (Warm|Cold) shutdown \(MainProcess\))?$"
)

Labels = frozenset[tuple[str, str]]


def scrape(stack: Stack, *services: str) -> Counter[tuple[str, Labels]]:
    """The samples of all instances of these services, summed: (name, labels) -> value."""
    total: Counter[tuple[str, Labels]] = Counter()
    for service in services:
        for one in stack.of(service):
            total.update(scrape_one(stack, one))
    return total


def scrape_one(stack: Stack, instance: Instance) -> dict[tuple[str, Labels], Any]:
    """The samples of one instance."""
    answer = httpx.get(f"http://{instance.address}:{stack.places.ports['9100']}/metrics", timeout=10)
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def sample(name: str, **labels: str) -> tuple[str, Labels]:
    """The key of a sample in the result of `scrape`."""
    return name, frozenset(labels.items())


def lines(stack: Stack, *services: str) -> Iterator[dict[str, Any]]:
    """The log of all instances of these services. AssertionError where a line is neither JSON nor a program's own."""
    for service in services:
        for one in stack.of(service):
            for line in one.log.read_text().splitlines():
                if _ITS_OWN.match(line):
                    continue
                try:
                    yield json.loads(line)
                except ValueError:
                    raise AssertionError(f"{one.name} logged: {line!r}") from None
