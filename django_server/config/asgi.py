"""The ASGI application: HTTP (static files, or Django behind the ASGI middleware) and WebSocket."""

import os
import sys
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.threaded_handler import django_http_application

# The seconds for which a thread may hold the interpreter lock while other threads wait. A small request waits for each
# computing thread several times. p95 of /healthz during eight requests for long lists: 262 ms, against 521 ms with
# Python's default of 0.005. Measured again on a busy machine, three interleaved rounds, median p50: 80 ms against 176
# ms (docs/internals.md).
sys.setswitchinterval(0.0005)
# Called before the imports below, because they need Django's apps to be loaded.
http_application = django_http_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402
from starlette.routing import Mount, Route, Router  # noqa: E402
from starlette.types import ASGIApp  # noqa: E402

from config.static_files import MediaFiles, packaged_files, page_assets  # noqa: E402
from images.live.routing import websocket_application  # noqa: E402
from images.middleware.order import ASGI_MIDDLEWARE  # noqa: E402
from images.observability.metrics_endpoint import LocalMetrics  # noqa: E402
from images.observability.metrics_listener import listen_for_scrapes  # noqa: E402

guarded_application: ASGIApp = cast(Any, http_application)
for middleware in reversed(ASGI_MIDDLEWARE):
    guarded_application = import_string(middleware)(guarded_application)

files_or_django = Router(
    [
        Mount("/media", MediaFiles(settings.MEDIA_ROOT)),
        Mount("/static", packaged_files()),
        Mount("/assets", page_assets(settings.PAGE_ROOT / "assets")),
        Route("/metrics", LocalMetrics()),
    ],
    default=guarded_application,
    redirect_slashes=False,
)
listen_for_scrapes(with_state=True)
application = ProtocolTypeRouter({"http": files_or_django, "websocket": websocket_application})
