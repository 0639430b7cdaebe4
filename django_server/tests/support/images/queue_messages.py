"""Decode a Celery message stored in Redis."""

import base64
from typing import Any

import orjson


def arguments_of(message: dict[str, Any]) -> tuple[str, Any]:
    """The task's name and its arguments, of a message as the broker keeps it."""
    args, _, _ = orjson.loads(base64.b64decode(message["body"]))
    return message["headers"]["task"], args
