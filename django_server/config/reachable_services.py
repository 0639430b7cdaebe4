"""Whether the Redis and the database of other machines respond, before `manage.py serve` starts any process.

The names `broker` and `database` are those of /readyz. Redis and SQLite of the site itself are not checked: `serve`
starts them.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from redis import Redis
from redis.exceptions import RedisError

from images.database_errors import database_sentence

# For each of two services, so that the operator reads the sentence within five seconds. Of the database, settings.py
# limits the connection to the same time.
_REDIS_SECONDS = 2.0


def unreachable_services() -> list[str]:
    """A sentence for each service that does not respond."""
    redis = None if settings.EMBEDDED_REDIS else _redis_problem()
    database = None if settings.EMBEDDED_DATABASE else _database_problem()
    return [sentence for sentence in (redis, database) if sentence]


def _redis_problem() -> str | None:
    try:
        with Redis.from_url(
            settings.REDIS_URL, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
        ) as redis:
            redis.ping()
    except (RedisError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        return (
            f"broker unavailable: no Redis responds at {_shown(settings.REDIS_URL)} ({reason}). "
            "Start it, or change REDIS_URL."
        )
    return None


def _database_problem() -> str | None:
    try:
        connection.ensure_connection()
    except (DatabaseError, InterfaceError) as error:
        sentence = database_sentence(error).rstrip(".?")
        return f"database unavailable: {sentence}. Start the database, or change DATABASE_URL."
    finally:
        connection.close()
    return None


def _shown(url: str) -> str:
    """The URL without user name and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
