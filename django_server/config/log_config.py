"""Which loggers say what, and in which form: for a person (`line`, the default) or for a program (`json`). Pure.

Used by `settings`; the forms themselves are in `log_lines`.
"""

from typing import Any

FORMATS = ("line", "json")


def logging_settings(log_format: str, level: str) -> dict[str, Any]:
    """Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"named": {"()": "config.log_filters.Named"}},
        "formatters": {
            "line": {
                "()": "config.log_filters.OneLine",
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
            # Celery's --loglevel is for what Celery itself says.
            "images": {"level": level},
            # What a worker says of its pool. Celery sets its level, and would give it a form of its own.
            "multiprocessing": {"handlers": ["console"]},
            # A refused request is an answer, not an incident.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # What uvicorn itself says, in the same form: it has configured that before it imports the application.
            "uvicorn.error": {"handlers": ["console"], "propagate": False},
        },
    }
