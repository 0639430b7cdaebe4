"""The WebSocket routes, and the middleware in front of them. `config.asgi` mounts `websocket_application`.

To add a consumer, add a line to `websocket_urlpatterns`, as in Channels' tutorial.
"""

from channels.routing import URLRouter
from django.urls import path

from images.live.consumers import LiveConsumer
from images.live.handshake import OriginValidator, PathValidator, SessionUser, TokenValidator

websocket_urlpatterns = [
    path("ws/upload/", LiveConsumer.as_asgi()),
]

websocket_application = PathValidator(
    OriginValidator(TokenValidator(SessionUser(URLRouter(websocket_urlpatterns)))),
    websocket_urlpatterns,
)
