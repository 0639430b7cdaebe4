"""Convert botocore's exceptions to OSErrors with a message for users.

Must not decide how callers handle an error. Used only by the S3 modules.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_MISSING_CODES = frozenset({"404", "NoSuchKey", "NotFound"})
_REFUSED_CODES = frozenset(
    {
        "401",
        "403",
        "AccessDenied",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
    }
)


@contextmanager
def convert_errors(bucket: str, key: str) -> Iterator[None]:
    """Convert botocore's exceptions in the block to OSErrors that name the bucket and, if given, the key.

    FileNotFoundError: the key does not exist. PermissionError: access is denied. TimeoutError: the server does not
    respond in time. ConnectionError: the server can't be reached or fails.
    """
    # Imported here: importing this package must not import botocore.
    from botocore import exceptions as failures

    subject = _subject(bucket, key)
    try:
        yield
    except failures.ClientError as failure:
        raise _error_of_response(failure.response, bucket, key, subject) from failure
    except (failures.NoCredentialsError, failures.PartialCredentialsError) as failure:
        sentence = f"There are no access keys for {subject}."
        raise PermissionError(errno.EACCES, sentence, key) from failure
    except (failures.ConnectTimeoutError, failures.ReadTimeoutError) as failure:
        raise timed_out(bucket, key) from failure
    except (failures.BotoCoreError, ValueError) as failure:
        # ValueError: the endpoint is not a URL.
        sentence = f"The S3 server could not be reached, or broke off, for {subject}."
        raise ConnectionError(errno.ECONNABORTED, sentence, key) from failure


def timed_out(bucket: str, key: str) -> TimeoutError:
    """The exception for a server that takes longer than its time limit."""
    sentence = f"The S3 server did not answer in time for {_subject(bucket, key)}."
    return TimeoutError(errno.ETIMEDOUT, sentence, key)


def _subject(bucket: str, key: str) -> str:
    return f"{key!r} of the bucket {bucket!r}" if key else f"the bucket {bucket!r}"


def _error_of_response(response: Any, bucket: str, key: str, subject: str) -> OSError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        # Not FileNotFoundError: callers would conclude that every file has been deleted.
        return OSError(errno.ENXIO, f"There is no bucket {bucket!r}.", key)
    if code in _MISSING_CODES or status == 404:
        return FileNotFoundError(errno.ENOENT, f"There is no {subject}.", key)
    if code in _REFUSED_CODES or status in (401, 403):
        return PermissionError(errno.EACCES, f"The S3 server refuses access to {subject}.", key)
    return ConnectionError(errno.EIO, f"The S3 server failed with status {status} for {subject}.", key)
