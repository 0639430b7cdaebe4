"""What a log line may hold. What a client sent is in messages: it must not begin a line of its own, or fill the disk.

Named by `logs` to the logging module. JSON escapes by itself what the form for a person has to escape here.
"""

import logging
import re
from typing import Any

from images.request_ids import current_request_id

_LONGEST_MESSAGE = 2000
# Whatever ends a line somewhere, or moves a terminal's cursor.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Named(logging.Filter):
    """Gives a record the id of the request it was written for, and bounds its message."""

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = current_request_id()
        if request_id is not None and not hasattr(record, "request_id"):
            record.request_id = request_id
        message = record.getMessage()
        if len(message) > _LONGEST_MESSAGE:
            record.msg, record.args = f"{message[:_LONGEST_MESSAGE]}…", None
        return True


class OneLine(logging.Formatter):
    """A record is one line, followed by the indented lines of its traceback, if it has one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        return _CONTROL.sub(_escaped, super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"    {_CONTROL.sub(_escaped, line)}" for line in lines)


def _escaped(control: re.Match[str]) -> str:
    return control[0].encode("unicode_escape").decode()
