#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError, InterfaceError

    # One sentence; a traceback would hide it. Django's option --traceback shows the traceback too.
    try:
        _ = settings.DEBUG  # reads them all
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except (DatabaseError, InterfaceError) as error:
        from images.database_errors import database_sentence

        if "--traceback" in sys.argv:
            raise
        sys.exit(database_sentence(error))


if __name__ == "__main__":
    main()
