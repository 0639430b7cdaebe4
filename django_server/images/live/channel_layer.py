"""Builds Django Channels' layer from the setting CHANNEL_LAYERS, with time limits for its connections to Redis.

Called by `events`, which publishes, and by `layer_subscription`, which receives. Each of them has a layer of its own:
a layer's connections belong to one event loop.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from channels_redis.utils import decode_hosts
from django.conf import settings
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

# What the channel layer raises when Redis is away, frozen or refuses a command. A backend of one's own raises these.
LAYER_ERRORS: tuple[type[Exception], ...] = (RedisError, OSError, TimeoutError)

CONNECT_SECONDS = 0.5

Layer = Any  # a channel layer: Channels has a specification of it, and no class


def layer_setting() -> dict[str, Any]:
    """CHANNEL_LAYERS["default"]: BACKEND and CONFIG."""
    setting: dict[str, Any] = settings.CHANNEL_LAYERS[DEFAULT_CHANNEL_LAYER]
    return setting


def create_layer(on_reconnect: Callable[[], None] | None = None) -> Layer:
    """A channel layer for one event loop.

    `on_reconnect` is called there for every connection to a Redis host after the first one: events may have been
    missed in between. Only `RedisPubSubChannelLayer` reports this, because it has one connection for each host.
    """
    setting = layer_setting()
    backend = import_string(setting["BACKEND"])
    config = dict(setting.get("CONFIG", {}))
    if issubclass(backend, RedisPubSubChannelLayer):
        logging.getLogger("channels_redis.pubsub").addFilter(_is_no_connection_error)
        config["hosts"] = [_with_limits(host, on_reconnect) for host in decode_hosts(config.get("hosts"))]
    elif issubclass(backend, RedisChannelLayer):
        config["hosts"] = [_with_limits(host, None) for host in decode_hosts(config.get("hosts"))]
    return backend(**config)


async def close_layer(layer: Layer) -> None:
    """Closes the connections to Redis.

    Raises: one of LAYER_ERRORS.
    """
    if isinstance(layer, RedisPubSubChannelLayer):
        await layer.flush()
    elif isinstance(layer, RedisChannelLayer):  # its flush() would delete the groups of all processes
        await layer.close_pools()


def host_count() -> int:
    """How many Redis hosts the groups are spread over."""
    return len(layer_setting().get("CONFIG", {}).get("hosts") or [None])


def _with_limits(host: dict[str, Any], on_reconnect: Callable[[], None] | None) -> dict[str, Any]:
    """The host's connection options; those of the setting take precedence."""
    limits: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_SECONDS,
        # redis-py 8 defaults to 5 s, after which an idle subscription would fail.
        "socket_timeout": None,
    }
    if on_reconnect is not None:
        limits["redis_connect_func"] = _reports_reconnections(on_reconnect)
    return {**limits, **host}


def _reports_reconnections(on_reconnect: Callable[[], None]) -> Callable[[Any], Awaitable[None]]:
    connections = 0

    async def connected(connection: Any) -> None:
        nonlocal connections
        await connection.on_connect()
        connections += 1
        if connections > 1:
            on_reconnect()

    return connected


def _is_no_connection_error(record: logging.LogRecord) -> bool:
    """False for the layer's traceback each second while Redis is away: publisher and hub log one line instead."""
    return not (record.exc_info and isinstance(record.exc_info[1], LAYER_ERRORS))
