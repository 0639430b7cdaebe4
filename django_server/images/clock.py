"""SQL expressions for times by the database's clock, the only clock that all processes share."""

from datetime import timedelta

from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.expressions import Combinable
from django.db.models.functions import Now


def ago(seconds: float) -> Combinable:
    """The time `seconds` before the statement runs."""
    return from_now(-seconds)


def from_now(seconds: float) -> Combinable:
    """The time `seconds` after the statement runs."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())
