"""The settings with another channel layer: LAYER is CHANNEL_LAYERS["default"] in JSON."""

import json
import os

from channels_redis.pubsub import RedisPubSubChannelLayer

from config.settings import *  # noqa: F403

CHANNEL_LAYERS = {"default": json.loads(os.environ["LAYER"])}


class OwnLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # channels_redis has no types
    """A custom backend."""
