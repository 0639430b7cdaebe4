"""The application with two consumers added, written as Channels' tutorial teaches: see `test_second_consumer`."""

import json
from typing import Any

import django

django.setup()

from asgiref.sync import async_to_sync  # noqa: E402
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer  # noqa: E402
from django.urls import path  # noqa: E402

from images.live.routing import websocket_application, websocket_urlpatterns  # noqa: E402


class AsyncChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    async def connect(self) -> None:
        self.room_group_name = f"chat_{self.scope['url_route']['kwargs']['room_name']}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:  # noqa: ARG002
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data: str) -> None:
        message = {"message": json.loads(text_data)["message"], "user": str(self.scope["user"])}
        await self.channel_layer.group_send(self.room_group_name, {"type": "chat.message", **message})

    async def chat_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps({"message": event["message"], "user": event["user"]}))


class ChatConsumer(WebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    def connect(self) -> None:
        self.room_group_name = f"chat_{self.scope['url_route']['kwargs']['room_name']}"
        async_to_sync(self.channel_layer.group_add)(self.room_group_name, self.channel_name)
        self.accept()

    def disconnect(self, code: int) -> None:  # noqa: ARG002
        async_to_sync(self.channel_layer.group_discard)(self.room_group_name, self.channel_name)

    def receive(self, text_data: str) -> None:
        message = {"message": json.loads(text_data)["message"], "user": str(self.scope["user"])}
        async_to_sync(self.channel_layer.group_send)(
            self.room_group_name, {"type": "chat.message", **message}
        )

    def chat_message(self, event: dict[str, Any]) -> None:
        self.send(text_data=json.dumps({"message": event["message"], "user": event["user"]}))


websocket_urlpatterns += [
    path("ws/async-chat/<room_name>/", AsyncChatConsumer.as_asgi()),
    path("ws/chat/<room_name>/", ChatConsumer.as_asgi()),
]
application = websocket_application
