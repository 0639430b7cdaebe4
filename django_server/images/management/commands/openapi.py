"""`manage.py openapi`: print the OpenAPI description. The TypeScript types of the page are generated from it."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from images.api.router import api


class Command(BaseCommand):
    help = "Print the OpenAPI description of the HTTP API."
    requires_system_checks: list[str] = []

    def handle(self, *_: Any, **__: Any) -> None:
        self.stdout.write(json.dumps(api.get_openapi_schema(path_prefix=""), indent=2, sort_keys=True))
