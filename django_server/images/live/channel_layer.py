"""Creates Django Channels' layer from the setting CHANNEL_LAYERS, with time limits for its connections to Redis.

Called by `events`, which publishes, and by `layer_subscription`, which receives. Each of these modules has its own
layer, because a layer's connections belong to one event loop.
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

# The exceptions of the channel layer when Redis is unreachable, frozen or refuses a command. A custom backend must
# raise these too.
LAYER_ERRORS: tuple[type[Exception], ...] = (RedisError, OSError, TimeoutError)

CONNECT_TIMEOUT_SECONDS = 0.5

Layer = Any  # A channel layer. Channels specifies its interface but has no class for it.


def layer_setting() -> dict[str, Any]:
    """The setting CHANNEL_LAYERS["default"], with the keys BACKEND and CONFIG."""
    setting: dict[str, Any] = settings.CHANNEL_LAYERS[DEFAULT_CHANNEL_LAYER]
    return setting


def create_layer(on_reconnect: Callable[[], None] | None = None) -> Layer:
    """A channel layer for one event loop.

    `on_reconnect` is called on that loop after each reconnection to a Redis host, because events may have been missed
    in between. Only `RedisPubSubChannelLayer` supports it: that layer has one connection to each host.
    """
    setting = layer_setting()
    backend = import_string(setting["BACKEND"])
    config = dict(setting.get("CONFIG", {}))
    if issubclass(backend, RedisPubSubChannelLayer):
        logging.getLogger("channels_redis.pubsub").addFilter(_is_not_connection_error)
        config["hosts"] = [
            _with_time_limits(host, on_reconnect) for host in decode_hosts(config.get("hosts"))
        ]
    elif issubclass(backend, RedisChannelLayer):
        config["hosts"] = [_with_time_limits(host, None) for host in decode_hosts(config.get("hosts"))]
    return backend(**config)


async def close_layer(layer: Layer) -> None:
    """Closes the connections to Redis.

    Raises: one of LAYER_ERRORS.
    """
    if isinstance(layer, RedisPubSubChannelLayer):
        await layer.flush()
    elif isinstance(layer, RedisChannelLayer):
        # `flush` of this layer would delete the groups of all processes.
        await layer.close_pools()


def host_count() -> int:
    """The number of Redis hosts that the groups are distributed over."""
    return len(layer_setting().get("CONFIG", {}).get("hosts") or [None])


def _with_time_limits(host: dict[str, Any], on_reconnect: Callable[[], None] | None) -> dict[str, Any]:
    """The connection options of `host`, with time limits where the setting has none."""
    limits: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
        # redis-py 8 defaults to 5 s, after which an idle subscription would fail.
        "socket_timeout": None,
    }
    if on_reconnect is not None:
        limits["redis_connect_func"] = _connect_callback(on_reconnect)
    return {**limits, **host}


def _connect_callback(on_reconnect: Callable[[], None]) -> Callable[[Any], Awaitable[None]]:
    connections = 0

    async def connected(connection: Any) -> None:
        nonlocal connections
        await connection.on_connect()
        connections += 1
        if connections > 1:
            on_reconnect()

    return connected


def _is_not_connection_error(record: logging.LogRecord) -> bool:
    """A log filter that drops the traceback that the layer logs every second while Redis is unreachable.

    `events` and `hub` log one line instead.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], LAYER_ERRORS))
