"""A log filter and a formatter against log injection, because messages contain input from clients.

The filter adds the request id. It also limits the length of a message, so that clients cannot fill the disk. The
formatter escapes control characters, so that a client cannot forge a log line; the JSON formatter does that anyway.
`log_config` registers both.
"""

import logging
import re
from typing import Any

from images.request_context import current_request_id

_LONGEST_MESSAGE = 2000
# Characters that some programs treat as the end of a line, or that move the cursor of a terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class RequestIdFilter(logging.Filter):
    """Adds the id of the current request to a record and cuts its message to 2,000 characters."""

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = current_request_id()
        if request_id is not None and not hasattr(record, "request_id"):
            record.request_id = request_id
        message = record.getMessage()
        if len(message) > _LONGEST_MESSAGE:
            record.msg, record.args = f"{message[:_LONGEST_MESSAGE]}…", None
        return True


class OneLineFormatter(logging.Formatter):
    """Formats a record as one line, followed by the indented lines of its traceback if there is one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        return _CONTROL.sub(_escaped, super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"    {_CONTROL.sub(_escaped, line)}" for line in lines)


def _escaped(control: re.Match[str]) -> str:
    return control[0].encode("unicode_escape").decode()
