"""Liveness and readiness. Readiness checks each service that an upload needs, for a few seconds at most."""

import tempfile

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from images import celery_queue
from images.http.json_responses import json_response
from images.live import events
from images.storage import storage

router = Router(tags=["health"])


class HealthOut(Schema):
    status: str


class ReadinessOut(Schema):
    status: str
    checks: dict[str, str]


@router.get("/healthz", response=HealthOut)
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Whether the process responds. Checks no other service."""
    return json_response({"status": "ok"})


@router.get("/readyz", response={200: ReadinessOut, 503: ReadinessOut})
def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Whether database, broker, channel layer and storage respond."""
    checks = {
        "database": _database_answers(),
        "broker": celery_queue.redis_responds(),
        "channel_layer": events.layer_works(),
        "storage": _storage_answers(),
    }
    ready = all(checks.values())
    reported = {name: "ok" if answers else "unavailable" for name, answers in checks.items()}
    return json_response(
        {"status": "ok" if ready else "unavailable", "checks": reported}, 200 if ready else 503
    )


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _storage_answers() -> bool:
    try:
        storage().check()
        settings.INCOMING_ROOT.mkdir(parents=True, exist_ok=True)
        # Write 4 KiB, because a full file system may still have room for an empty file.
        with tempfile.TemporaryFile(dir=settings.INCOMING_ROOT) as file:
            file.write(bytes(4096))
    except OSError:
        return False
    return True
