"""Django's LOGGING: levels of the loggers, and the format for people (`line`, the default) or programs (`json`). Pure.

Used by `settings`. `log_filters` has the filter and the line formatter.
"""

from typing import Any

FORMATS = ("line", "json")


def logging_settings(log_format: str, level: str) -> dict[str, Any]:
    """The LOGGING dictionary. `log_format`: one of FORMATS. `level`: a level name such as INFO."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"named": {"()": "config.log_filters.RequestIdFilter"}},
        "formatters": {
            "line": {
                "()": "config.log_filters.OneLineFormatter",
                "format": "{asctime} {levelname} {name}: {message}",
                "style": "{",
            },
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": ["levelname", "name", "message"],
                "rename_fields": {"levelname": "level", "name": "logger", "exc_info": "traceback"},
                "timestamp": "time",
            },
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": log_format, "filters": ["named"]}
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Celery's --loglevel applies to Celery's own messages only.
            "images": {"level": level},
            # A worker's messages on its pool. Celery sets the level, and its own format without a handler.
            "multiprocessing": {"handlers": ["console"]},
            # A refused request is a normal response, not an error of the server.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # uvicorn configures its logger before it imports the application; this replaces the format.
            "uvicorn.error": {"handlers": ["console"], "propagate": False},
        },
    }
