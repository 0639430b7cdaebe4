"""How an answer leaves: encoded once by orjson, without a second pass through a serializer.

(Measured on a page of 100 images: 5 ms against 20 to 22 with the serializers of the field.)
"""

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse

from images.errors import Refusal


def json_answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """`data` as JSON. What an API says now is not what it says a second later: never cached."""
    return HttpResponse(
        orjson.dumps(data),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def refusal_answer(refusal: Refusal) -> HttpResponse:
    """The answer to a refused request."""
    return json_answer(refusal.body(), refusal.kind.status, refusal.headers())


def json_text_answer(text: str, status: int) -> HttpResponse:
    """An answer that was encoded before."""
    return HttpResponse(
        text, status=status, content_type="application/json", headers={"Cache-Control": "no-store"}
    )
