"""`/admin/status/`: for administrators, the state of the site and what its workers do, at the moment of the look."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from images.observability.celery_workers import ask_workers
from images.observability.site_state import State


@dataclass(frozen=True)
class Figure:
    """One line of the page."""

    about: str
    which: str
    value: str


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """The page. `config.urls` lets only administrators see it."""
    context = {
        **admin.site.each_context(request),
        "title": "Status",
        "figures": list(_figures()),
        "workers": ask_workers(),
    }
    return TemplateResponse(request, "images/status.html", context, headers={"Cache-Control": "no-store"})


def _figures() -> Iterator[Figure]:
    """What Prometheus is told of the state, in the same words."""
    for family in State().collect():
        for sample in family.samples:
            which = ", ".join(sample.labels.values())
            yield Figure(family.documentation, which, _shown(sample.name, sample.value))


def _shown(name: str, value: float) -> str:
    if name.endswith("_bytes"):
        return filesizeformat(value)
    if name.endswith("_seconds"):
        return f"{value:,.0f} s"
    if name.endswith("_up"):
        return "yes" if value else "no"
    return f"{value:,.0f}"
