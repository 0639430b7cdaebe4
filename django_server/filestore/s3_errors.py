"""The one door where what botocore raises becomes an OSError with a sentence for a person.

Owns the sentences. Must not decide what to do about a failure. Used by `s3` alone.
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
    """Turn what botocore raises in the block into an OSError that names the bucket and, where there is one, the key.

    FileNotFoundError where the key is missing, PermissionError where the store refuses, TimeoutError
    and ConnectionError for a store that does not answer or fails.
    """
    # Here, not above: whoever only imports this package needs no botocore.
    from botocore import exceptions as failures

    what = f"{key!r} of the bucket {bucket!r}" if key else f"the bucket {bucket!r}"
    try:
        yield
    except failures.ClientError as failure:
        raise _error_of_response(failure.response, bucket, key, what) from failure
    except (failures.NoCredentialsError, failures.PartialCredentialsError) as failure:
        sentence = f"There are no access keys for {what}."
        raise PermissionError(errno.EACCES, sentence, key) from failure
    except (failures.ConnectTimeoutError, failures.ReadTimeoutError) as failure:
        raise timed_out(bucket, key) from failure
    except (failures.BotoCoreError, ValueError) as failure:
        # ValueError: an endpoint that is no address.
        sentence = f"The S3 server could not be reached, or broke off, for {what}."
        raise ConnectionError(errno.ECONNABORTED, sentence, key) from failure


def timed_out(bucket: str, key: str) -> TimeoutError:
    """What is raised where the store takes longer than it was given."""
    what = f"{key!r} of the bucket {bucket!r}" if key else f"the bucket {bucket!r}"
    return TimeoutError(errno.ETIMEDOUT, f"The S3 server did not answer in time for {what}.", key)


def _error_of_response(response: Any, bucket: str, key: str, what: str) -> OSError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        # Not a missing file: whoever asks for one must not take all of them for deleted.
        return OSError(errno.ENXIO, f"There is no bucket {bucket!r}.", key)
    if code in _MISSING_CODES or status == 404:
        return FileNotFoundError(errno.ENOENT, f"There is no {what}.", key)
    if code in _REFUSED_CODES or status in (401, 403):
        return PermissionError(errno.EACCES, f"The S3 server refuses access to {what}.", key)
    return ConnectionError(errno.EIO, f"The S3 server failed with status {status} for {what}.", key)
