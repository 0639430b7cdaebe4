"""The environment of a process that works on a test's own database, Redis and data folder."""

import os

from django.conf import settings
from django.db import connection


def site_environment() -> dict[str, str]:
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    return {
        **os.environ,
        "DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}",
        "DATA_DIR": str(settings.DATA_DIR),
        "LOG_LEVEL": "WARNING",
    }
