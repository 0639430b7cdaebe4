"""Send HEAD, GET and PUT requests one layer below boto3's client: a run over an archive sends millions of them.

Uses botocore's signatures, connections, bodies and exceptions, but not its service model. A GET and a PUT cost 1 ms of
CPU here, and 2 to 3 ms with the client. Responses are dicts like those of the client. A response that is neither a
success nor a server failure is not interpreted here: the caller repeats the request with the client, which handles
redirects, clock skew and error codes.

Used only by `s3` and `s3_client`. Imports botocore at the first request.
"""

import os
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO
from urllib.parse import quote

Response = dict[str, Any]
"""Has ContentLength, LastModified and ETag if the server sent them, and for a GET a Body, which the caller closes."""

_KEY = "key"
_IN_MEMORY_BYTES = 1 << 20  # sent from memory: reading a file block by block costs thirty system calls
_LONGEST_PAUSE_SECONDS = 20.0
_TOO_MANY_REQUESTS = 429


class ObjectRequests:
    """Sends requests for the keys of one bucket. Thread-safe. Each method returns the result of `_request`."""

    def __init__(self, client: Any, credentials: Any, bucket: str, *, attempts: int) -> None:
        """`client`: boto3's S3 client; its address, region, time limits and connections are used."""
        # A signed URL contains the bucket's address in the form that the client is configured to use.
        example = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": _KEY})
        self._base = example.partition("?")[0].removesuffix(_KEY)
        self._region = client.meta.region_name
        # A private attribute (with a guard test): it has all settings for proxies, certificates and time-outs.
        self._http = client._endpoint.http_session
        self._credentials = credentials
        self._attempts = attempts

    def head(self, key: str) -> Response | None:
        return self._request("HEAD", key)

    def get(self, key: str) -> Response | None:
        return self._request("GET", key)

    def put(self, key: str, source: BinaryIO, headers: Mapping[str, str]) -> Response | None:
        """Send `source` from its current position on. The position is restored if None is returned."""
        return self._request("PUT", key, headers, source)

    def _request(
        self, method: str, key: str, headers: Mapping[str, str] | None = None, source: BinaryIO | None = None
    ) -> Response | None:
        """The response if its status is 200. None: the caller must repeat the request with the client.

        If a HEAD request finds no key, or if every attempt fails, raises the same exception as the client.
        """
        from botocore.exceptions import ClientError, HTTPClientError

        start = source.tell() if source is not None else 0
        body: BinaryIO | bytes | None = source
        if source is not None and os.fstat(source.fileno()).st_size <= _IN_MEMORY_BYTES:
            body = source.read()
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                http_response = self._send(method, key, headers, body)
            except HTTPClientError:
                if last:
                    raise
            else:
                status = http_response.status_code
                if status == 200:
                    return _client_response(http_response, with_body=method == "GET")
                if method == "GET":
                    http_response.raw.close()
                fails = status >= 500 or status == _TOO_MANY_REQUESTS
                if (method, status) == ("HEAD", 404) or (fails and last):
                    raise ClientError({"Error": {}, "ResponseMetadata": {"HTTPStatusCode": status}}, method)
                if not fails:
                    break
            if source is not None:
                source.seek(start)
            time.sleep(random.random() * min(2 ** (attempt - 1), _LONGEST_PAUSE_SECONDS))  # noqa: S311
        if source is not None:
            source.seek(start)
        return None

    def _send(
        self, method: str, key: str, headers: Mapping[str, str] | None, body: BinaryIO | bytes | None
    ) -> Any:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest

        url = self._base + quote(key, safe="/~")
        request = AWSRequest(method, url, headers, body, stream_output=method == "GET")
        S3SigV4Auth(self._credentials.get_frozen_credentials(), "s3", self._region).add_auth(request)
        return self._http.send(request.prepare())


def _client_response(http_response: Any, *, with_body: bool) -> Response:
    from botocore.response import StreamingBody

    headers = http_response.headers
    response: Response = {"ETag": headers.get("ETag", "")}
    if "Last-Modified" in headers:
        response["LastModified"] = parsedate_to_datetime(headers["Last-Modified"])
    if "Content-Length" in headers:
        response["ContentLength"] = int(headers["Content-Length"])
    if with_body:
        response["Body"] = StreamingBody(http_response.raw, headers.get("Content-Length"))
    return response
