"""`/admin/status/`: shows administrators the site's state and the workers' current tasks."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from images.observability.celery_workers import active_workers
from images.observability.state_gauges import SiteState


@dataclass(frozen=True)
class Figure:
    """One line of the page: a metric's help text, its label values and its formatted value."""

    description: str
    labels: str
    value: str


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """The status page. `config.urls` restricts it to administrators."""
    context = {
        **admin.site.each_context(request),
        "title": "Status",
        "figures": list(_figures()),
        "workers": active_workers(),
    }
    return TemplateResponse(request, "images/status.html", context, headers={"Cache-Control": "no-store"})


def _figures() -> Iterator[Figure]:
    """The site's state, from the same gauges that Prometheus scrapes."""
    for family in SiteState().collect():
        for sample in family.samples:
            labels = ", ".join(sample.labels.values())
            yield Figure(family.documentation, labels, _formatted(sample.name, sample.value))


def _formatted(name: str, value: float) -> str:
    if name.endswith("_bytes"):
        return filesizeformat(value)
    if name.endswith("_seconds"):
        return f"{value:,.0f} s"
    if name.endswith("_up"):
        return "yes" if value else "no"
    return f"{value:,.0f}"
