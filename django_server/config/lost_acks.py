"""A worker goes on when Redis does not hear that a task is done: called once by `config.celery`, in workers only.

Kombu counts such a task as under way until the connection is made anew, which a Redis that was only frozen never
causes: two of them, and a worker of two processes takes nothing more, for ever.
"""

import logging

from kombu.transport import redis as transport
from kombu.transport import virtual
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class _ForgettingQoS(transport.QoS):
    """What could not be acknowledged is delivered again after the visibility time-out, and finds nothing to do."""

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        except (RedisError, OSError) as error:
            logger.warning("Redis did not hear that a task is done: %s", type(error).__name__)
            virtual.QoS.ack(self, delivery_tag)


def survive_unheard_acks() -> None:
    """From now on, for every connection of this process."""
    transport.Channel.QoS = _ForgettingQoS
