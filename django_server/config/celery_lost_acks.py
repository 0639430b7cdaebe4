"""Lets a worker continue when acknowledging a message to Redis fails. Called once by `config.celery`, in workers only.

Kombu counts a message whose acknowledgement failed as being processed until the connection is re-established. A Redis
that was only frozen keeps its connections, so after two such messages a worker with two processes takes no further
message. docs/internals.md lists the parts of kombu used here and their guard test.
"""

import logging

from kombu.transport import redis as transport
from kombu.transport import virtual
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class _TolerantQoS(transport.QoS):
    """Forgets a message whose acknowledgement failed. Redis redelivers it later, and the task finds nothing to do."""

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        except (RedisError, OSError) as error:
            logger.warning("A message could not be acknowledged to Redis: %s", type(error).__name__)
            virtual.QoS.ack(self, delivery_tag)


def tolerate_failed_acks() -> None:
    """Replace kombu's QoS class for every connection of this process."""
    transport.Channel.QoS = _TolerantQoS
