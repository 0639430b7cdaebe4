"""Django's LOGGING setting: the levels of the loggers, and the format `line` (for people, the default) or `json`. Pure.

Used by `settings`. `log_filters` implements the filter and the formatter of `line`.
"""

from typing import Any

FORMATS = ("line", "json")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def logging_settings(log_format: str, level: str) -> dict[str, Any]:
    """The LOGGING dictionary. `log_format`: one of FORMATS. `level`: one of LEVELS."""
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
            # Celery's option --loglevel applies only to Celery's own messages.
            "images": {"level": level},
            # A worker's messages about its pool. Celery sets the level; without this handler it would also set the
            # format.
            "multiprocessing": {"handlers": ["console"]},
            # A rejected request is not an error of the server: no warning for each status 4xx.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # Replaces the format that uvicorn has configured before it imported the application.
            "uvicorn.error": {"handlers": ["console"], "propagate": False},
        },
    }
