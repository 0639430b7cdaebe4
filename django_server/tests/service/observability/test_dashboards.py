"""Every query of monitoring/ asks for figures and labels that there are, and every figure is asked for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from images.observability.metrics_text import counted_here
from images.observability.site_state import State

pytestmark = pytest.mark.django_db(transaction=True)

_MONITORING = Path(__file__).resolve().parents[4] / "monitoring"
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
# Which Prometheus adds, by monitoring/prometheus.yml or by itself.
_OF_THE_SCRAPE = {"service", "job", "le"}
_BY = re.compile(r"by \(([^)]*)\)")
_SELECTED = re.compile(r"(\w+)\s*=~?\s*\"")
_NAME = re.compile(r"\bintake_\w+")


def queries() -> Iterator[str]:
    dashboard = json.loads((_MONITORING / "grafana-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for group in yaml.safe_load((_MONITORING / "alerts.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def labels_of_samples() -> dict[str, set[str]]:
    """The labels of every sample that the site can tell, by its name."""
    found: dict[str, set[str]] = {}
    for metric in counted_here():
        assert isinstance(metric, MetricWrapperBase)
        for family in metric.describe():
            for suffix in _SUFFIXES[family.type]:
                found[family.name + suffix] = set(metric._labelnames)
    for family in State().collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("query", list(queries()))
def test_a_query_asks_for_what_there_is(query: str) -> None:
    known = labels_of_samples()
    names = set(_NAME.findall(query))
    assert names <= known.keys()
    labels = {label.strip() for group in _BY.findall(query) for label in group.split(",")}
    labels |= set(_SELECTED.findall(query))
    assert labels <= set().union(_OF_THE_SCRAPE, *(known[name] for name in names))
    assert names or "up{" in query


def test_every_figure_is_on_the_dashboard() -> None:
    asked = {name for query in queries() for name in _NAME.findall(query)}
    assert labels_of_samples().keys() <= asked


def test_what_each_web_instance_tells_the_same_is_never_summed() -> None:
    state = {sample.name for family in State().collect() for sample in family.samples}
    for query in queries():
        if state & set(_NAME.findall(query)):
            assert re.match(r"(max|min)\b", query), query


def test_prometheus_is_told_of_every_service_that_tells_figures() -> None:
    scraped = yaml.safe_load((_MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    (names,) = (config["names"] for one in scraped for config in one["dns_sd_configs"])
    services = yaml.safe_load((_MONITORING.parent / "docker-compose.yml").read_text())["services"]
    telling = {name for name, entry in services.items() if "9100" in entry.get("expose", ())}
    assert set(names) == telling == {"web", "live", "worker", "bulk", "sweeper"}
