"""Single flight within a process: concurrent calls for one image share one run and its result.

Between processes the claim in the database does the same. Waiting callers hold no connection and send no
statement.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

from images.errors import Refusal

_flights: "dict[UUID, Future[Any]]" = {}
_lock = threading.Lock()
T = TypeVar("T")


def single_flight(image_id: UUID, work: Callable[[], T], wait_seconds: float) -> T:
    """The result or exception of `work`, which the first of concurrent callers runs for all.

    Raises Refusal overloaded for a caller that has waited `wait_seconds` for another's run.
    """
    with _lock:
        flight = _flights.get(image_id)
        leading = flight is None
        if flight is None:
            flight = _flights[image_id] = Future()
    if not leading:
        connection.close()
        try:
            result: T = flight.result(wait_seconds)
        except FutureTimeout as error:
            raise Refusal("overloaded") from error
        return result
    try:
        flight.set_result(work())
    except BaseException as error:
        flight.set_exception(error)
    finally:
        with _lock:
            del _flights[image_id]
    own: T = flight.result()
    return own
