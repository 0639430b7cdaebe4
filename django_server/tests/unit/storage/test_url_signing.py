"""Signed URLs equal botocore's, character for character, and stay the same for half their life."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import botocore.auth
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from images.storage.url_signing import Signer

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
KEYS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda key: not key.startswith("/")
)
SECONDS = st.integers(1201, 604_800)
BASES = st.sampled_from(
    [
        "http://127.0.0.1:9000/bucket",
        "https://s3.example:443/b",
        "https://bucket.s3.eu-west-1.amazonaws.com",
        "https://s3.example/b/c",
    ]
)


def botocore_url(signer: Signer, key: str, moment: datetime, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL that botocore signs at `moment`."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: moment)
    request = AWSRequest("GET", f"{signer.base}/{quote(key, safe='/~')}")
    credentials = Credentials(signer.access_key, signer.secret_key)
    S3SigV4QueryAuth(credentials, "s3", signer.region, expires=signer.seconds).add_auth(request)
    # The default port is not signed, and our URLs do not have it.
    return str(request.url).replace("s3.example:443/", "s3.example/")


@given(KEYS, MOMENTS, SECONDS, BASES, st.text("abcXYZ019/+", min_size=16, max_size=40))
def test_a_signed_url_equals_botocores(
    key: str, moment: datetime, seconds: int, base: str, secret: str
) -> None:
    signer = Signer(base, "eu-west-1", "AKIA/EXAMPLE", secret, seconds)
    half = seconds // 2
    floored = datetime.fromtimestamp(int(moment.timestamp()) // half * half, UTC)
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert signer.url(key, moment) == botocore_url(signer, key, floored, monkeypatch)


@given(MOMENTS, SECONDS)
def test_a_url_stays_the_same_for_half_its_life_and_is_valid_for_at_least_as_long(
    moment: datetime, seconds: int
) -> None:
    signer = Signer("https://s3.example/b", "r", "a", "s", seconds)
    url = signer.url("k.jpg", moment)
    stamp = dict(part.split("=", 1) for part in urlsplit(url).query.split("&"))["X-Amz-Date"]
    signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert signed_at <= moment
    assert moment - signed_at <= timedelta(seconds=seconds / 2 + 1)
    assert signer.url("k.jpg", signed_at + timedelta(seconds=seconds // 2 - 1)) == url
    assert signer.url("k.jpg", signed_at + timedelta(seconds=seconds // 2)) != url
