"""Single flight within a process: concurrent calls for the same image share one run of the work, and its result.

Between processes, `generation_claims` has the same purpose. Callers that wait hold no database connection.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

from images.error_codes import ApiError

_flights: "dict[UUID, Future[Any]]" = {}
_lock = threading.Lock()
T = TypeVar("T")


def single_flight(image_id: UUID, work: Callable[[], T], wait_seconds: float) -> T:
    """The result or exception of `work`, which only the first of several concurrent callers runs.

    Raises ApiError overloaded if another caller's run takes longer than `wait_seconds`.
    """
    with _lock:
        flight = _flights.get(image_id)
        is_first = flight is None
        if flight is None:
            flight = _flights[image_id] = Future()
    if not is_first:
        connection.close()
        try:
            result: T = flight.result(wait_seconds)
        except FutureTimeout as error:
            raise ApiError("overloaded") from error
        return result
    try:
        flight.set_result(work())
    except BaseException as error:
        flight.set_exception(error)
    finally:
        with _lock:
            del _flights[image_id]
    own_result: T = flight.result()
    return own_result
