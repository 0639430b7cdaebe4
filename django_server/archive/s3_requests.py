"""The three requests that an archive makes by the million, HEAD, GET and PUT, one floor below boto3's client.

Signature, connections, body and failures are botocore's own; left out is its model of the service, which costs more
than all of them (2 to 3 ms of CPU for a GET and a PUT, against 1). What is neither done nor a failing server is not
judged here: the client is asked the same again, which knows redirects, skewed clocks and the codes of errors.

Used by `s3` alone, and loads botocore when the first of them is made.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote

_BASE_KEY = "key"
_LONGEST_PAUSE_SECONDS = 20.0
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True)
class Answer:
    """`body` is open where there is one to read: the caller's to close."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Requests:
    """Requests for the keys of one bucket; threads may share it."""

    def __init__(self, client: Any, session: Any, bucket: str, *, attempts: int) -> None:
        """`client`: boto3's, whose address, region and bounds they have; `session`: where its keys come from."""
        from botocore.httpsession import URLLib3Session
        from botocore.utils import get_environ_proxies

        # However the bucket is addressed, and by whatever setting, this is its address.
        example = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": _BASE_KEY})
        self._base = example.partition("?")[0].removesuffix(_BASE_KEY)
        self._region = client.meta.region_name
        self._credentials = session.get_credentials()
        self._attempts = attempts
        config = client.meta.config
        self._http = URLLib3Session(
            verify=session.get_config_variable("ca_bundle") or True,
            proxies=get_environ_proxies(self._base),
            timeout=(config.connect_timeout, config.read_timeout),
            max_pool_connections=config.max_pool_connections,
        )

    def head(self, key: str) -> Answer | None:
        return self._ask("HEAD", key, {})

    def get(self, key: str) -> Answer | None:
        return self._ask("GET", key, {})

    def put(self, key: str, source: BinaryIO, headers: Mapping[str, str]) -> Answer | None:
        return self._ask("PUT", key, headers, source)

    def _ask(
        self, method: str, key: str, headers: Mapping[str, str], source: BinaryIO | None = None
    ) -> Answer | None:
        """The answer with status 200, or 404 to a HEAD. None where the client is to be asked instead.

        Raises what botocore raises when the server fails or is away `attempts` times.
        """
        from botocore.exceptions import ClientError, HTTPClientError

        if self._credentials is None:
            return None
        start = source.tell() if source is not None else 0
        for left in reversed(range(self._attempts)):
            if source is not None:
                source.seek(start)
            try:
                answer = self._send(method, key, headers, source)
            except HTTPClientError:
                if not left:
                    raise
            else:
                if answer.status == 200 or (method == "HEAD" and answer.status == 404):
                    return answer
                if answer.status < 500 and answer.status != _TOO_MANY_REQUESTS:
                    break
                if not left:
                    metadata = {"HTTPStatusCode": answer.status}
                    raise ClientError({"Error": {}, "ResponseMetadata": metadata}, method)
            time.sleep(random.random() * min(2 ** (self._attempts - 1 - left), _LONGEST_PAUSE_SECONDS))  # noqa: S311
        if source is not None:
            source.seek(start)
        return None

    def _send(self, method: str, key: str, headers: Mapping[str, str], source: BinaryIO | None) -> Answer:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.response import StreamingBody

        request = AWSRequest(
            method, self._base + quote(key, safe="/~"), headers, source, stream_output=method == "GET"
        )
        S3SigV4Auth(self._credentials.get_frozen_credentials(), "s3", self._region).add_auth(request)
        answer = self._http.send(request.prepare())
        body = None
        if method == "GET":
            body = StreamingBody(answer.raw, answer.headers.get("Content-Length"))
            if answer.status_code != 200:
                # Read to its end: its connection serves again.
                body.read()
                body.close()
        return Answer(answer.status_code, answer.headers, body)
