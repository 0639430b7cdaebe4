"""Lets a worker continue when the acknowledgement of a message fails. `config.celery` calls it once, in workers only.

Kombu treats a message whose acknowledgement failed as being processed until the connection is re-established. A Redis
that was only frozen keeps its connections. Without this module, a worker with two processes would therefore receive no
message after two such failures. docs/internals.md lists the parts of kombu used here and their guard test.
"""

import logging

from kombu.transport import redis as transport
from kombu.transport import virtual
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class _TolerantQoS(transport.QoS):
    """Stops tracking a message whose acknowledgement failed.

    Kombu redelivers it later, and the task has no effect then.
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        except (RedisError, OSError) as error:
            logger.warning("A message could not be acknowledged to Redis: %s", type(error).__name__)
            virtual.QoS.ack(self, delivery_tag)


def tolerate_failed_acks() -> None:
    """Replace kombu's QoS class for every connection of this process."""
    transport.Channel.QoS = _TolerantQoS
