"""The WebSocket alone, as the production stack's live service mounts it: what the live tests start."""

import django

django.setup()

from images.live.routing import websocket_application  # noqa: E402  needs Django's apps

application = websocket_application
