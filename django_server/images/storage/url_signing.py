"""Signed S3 URLs: Signature Version 4 in the query string. Pure.

Specified in the Amazon S3 API reference, "Authenticating Requests: Using Query Parameters". boto3 takes 0.36 ms per
URL, this module 0.02 ms; a page of 100 images has 400 URLs. A property test compares the URLs with botocore's.
docs/adr/0008 has the decision.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


@dataclass(frozen=True)
class Signer:
    """Signs URLs for GET requests to one bucket. `base` is the bucket's URL, without a slash at its end.

    `seconds` is the lifetime of a signature: at most 604,800, a week.
    """

    base: str
    region: str
    access_key: str
    secret_key: str
    seconds: int

    def url(self, key: str, moment: datetime) -> str:
        """The signed URL of `key`. It stays the same for half of `seconds`, so that browsers can cache the file.

        At `moment`, it is still valid for between half and all of `seconds`.
        """
        stamp = _rounded_down(moment, self.seconds // 2).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        scheme, _, rest = self.base.partition("://")
        host, _, root = rest.partition("/")
        # Browsers leave the default port out of the Host header, which is signed.
        host = host.removesuffix(_DEFAULT_PORTS.get(scheme, ""))
        path = quote(f"/{root}/{key}" if root else f"/{key}", safe="/~")
        query = (
            f"X-Amz-Algorithm={_ALGORITHM}&X-Amz-Credential={quote(f'{self.access_key}/{scope}', safe='~')}"
            f"&X-Amz-Date={stamp}&X-Amz-Expires={self.seconds}&X-Amz-SignedHeaders=host"
        )
        request = f"GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
        signature = _hmac(_signing_key(self.secret_key, stamp[:8], self.region), to_sign).hex()
        return f"{scheme}://{host}{path}?{query}&X-Amz-Signature={signature}"


def _rounded_down(moment: datetime, seconds: int) -> datetime:
    since_epoch = int(moment.timestamp())
    return datetime.fromtimestamp(since_epoch - since_epoch % max(1, seconds), UTC)


@lru_cache(maxsize=4)  # The key depends on the day.
def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
