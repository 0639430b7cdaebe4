"""Django's ASGI handler, changed to run all middleware and the view of a request in one thread.

All middleware and views of this project are synchronous. Django's own handler switches between event loop and thread
for each of them: 1.73 ms of CPU for the smallest request, against 0.76 ms with one switch (300 requests each,
interleaved). docs/adr/0002-django-in-one-thread-per-request.md has the decision, its figures and its consequences.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config.database_ids import cache_parsed_ids
from config.database_timeouts import limit_database_waits
from images.checks import refuse_unsound_settings
from images.observability.timings import record_stage
from images.storage import storage_errors_as_api_error

# Bytes of a request body that are collected before a write, because a write costs a switch to a thread.
_WRITE_BYTES = 512 * 1024
_WRITERS = ThreadPoolExecutor(4, "bodies")


class ThreadedHandler(ASGIHandler):
    """Django's ASGI handler with one switch to a thread per request instead of one per middleware."""

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)

    async def read_body(
        self, receive: Callable[[], Awaitable[Any]]
    ) -> "tempfile.SpooledTemporaryFile[bytes]":
        """Receive the request body, into memory or a nameless file in INCOMING_ROOT. (/tmp may be small, or in memory.)

        Raises RequestAborted, and ApiError `storage_unavailable`.
        """
        body = tempfile.SpooledTemporaryFile(  # noqa: SIM115  Django closes it with the request
            settings.FILE_UPLOAD_MAX_MEMORY_SIZE, dir=str(settings.INCOMING_ROOT)
        )
        try:
            with storage_errors_as_api_error():
                await _fill(body, receive)
                body.seek(0)
        except BaseException:
            # `close` writes the buffered bytes, which may fail again for the same reason.
            with suppress(OSError):
                body.close()
            raise
        return body


async def _fill(body: "tempfile.SpooledTemporaryFile[bytes]", receive: Callable[[], Awaitable[Any]]) -> None:
    """Receive the request body and write it to `body`. Raises RequestAborted, OSError."""
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    pieces: list[bytes] = []
    received = collected = 0
    is_incomplete = True
    while is_incomplete:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestAborted
        piece, is_incomplete = message.get("body", b""), message.get("more_body", False)
        pieces.append(piece)
        collected += len(piece)
        if is_incomplete and collected < _WRITE_BYTES:
            continue
        received += collected
        if received <= settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            body.writelines(pieces)
        else:
            # In a thread: a write to a busy disk may take long and would block the event loop, and with it all
            # requests.
            await loop.run_in_executor(_WRITERS, body.writelines, pieces)
        pieces, collected = [], 0
    if received:
        record_stage("receive", time.perf_counter() - started)


def django_http_application() -> ThreadedHandler:
    """Set up Django and return its handler, as django.core.asgi.get_asgi_application does."""
    django.setup(set_prefix=False)
    refuse_unsound_settings()
    settings.INCOMING_ROOT.mkdir(parents=True, exist_ok=True)
    limit_database_waits(settings.DATABASES["default"], settings.STATEMENT_SECONDS)
    cache_parsed_ids()
    return ThreadedHandler()
