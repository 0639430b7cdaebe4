"""Every query of monitoring/ names existing metrics and labels, and every metric is used in a query."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from images.observability.metrics_text import event_metrics
from images.observability.state_gauges import SiteState

pytestmark = pytest.mark.django_db(transaction=True)

_MONITORING = Path(__file__).resolve().parents[4] / "monitoring"
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
# Added by Prometheus itself or by monitoring/prometheus.yml.
_ADDED_LABELS = {"service", "job", "le"}
_BY = re.compile(r"by \(([^)]*)\)")
_SELECTED = re.compile(r"(\w+)\s*=~?\s*\"")
_NAME = re.compile(r"\bdjango_file_upload_\w+")


def queries() -> Iterator[str]:
    dashboard = json.loads((_MONITORING / "grafana-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for group in yaml.safe_load((_MONITORING / "alerts.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def labels_of_samples() -> dict[str, set[str]]:
    """The labels of every sample that the site can report, by the sample's name."""
    found: dict[str, set[str]] = {}
    for metric in event_metrics():
        assert isinstance(metric, MetricWrapperBase)
        for family in metric.describe():
            for suffix in _SUFFIXES[family.type]:
                found[family.name + suffix] = set(metric._labelnames)
    for family in SiteState().collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("query", list(queries()))
def test_a_query_names_existing_metrics_and_labels(query: str) -> None:
    known = labels_of_samples()
    names = set(_NAME.findall(query))
    assert names <= known.keys()
    labels = {label.strip() for group in _BY.findall(query) for label in group.split(",")}
    labels |= set(_SELECTED.findall(query))
    assert labels <= set().union(_ADDED_LABELS, *(known[name] for name in names))
    assert names or "up{" in query


def test_every_metric_is_used_in_a_query() -> None:
    used = {name for query in queries() for name in _NAME.findall(query)}
    assert labels_of_samples().keys() <= used


def test_state_metrics_which_every_web_instance_reports_are_never_summed() -> None:
    state = {sample.name for family in SiteState().collect() for sample in family.samples}
    for query in queries():
        if state & set(_NAME.findall(query)):
            assert re.match(r"(max|min)\b", query), query


def test_prometheus_scrapes_every_service_that_exposes_metrics() -> None:
    scraped = yaml.safe_load((_MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    (names,) = (config["names"] for one in scraped for config in one["dns_sd_configs"])
    services = yaml.safe_load((_MONITORING.parent / "docker-compose.yml").read_text())["services"]
    exposing = {name for name, entry in services.items() if "9100" in entry.get("expose", ())}
    assert set(names) == exposing == {"web", "live", "worker", "bulk", "sweeper"}
