"""The ASGI application: files in front, then the guarded HTTP application, and the WebSocket beside it."""

import os
import sys
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.threaded_handler import django_http_application

# For so long a thread that computes may keep the interpreter from the others: a small request waits for each of them,
# several times. (Beside eight long lists p95 of /healthz was 262 ms, against 521 with Python's 5 ms.)
sys.setswitchinterval(0.0005)
# First of all: what follows needs Django's apps, which this loads.
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
