"""Any name and any multipart body give an ApiError, or every file with its position and a clean name."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from hypothesis import event, given
from hypothesis import strategies as st

from images.error_codes import ERRORS, ApiError
from images.uploads.multipart import SpooledFile, clean_name, spool_files
from tests.support.fixtures.app import empty_storage
from tests.support.fuzz.effort import search

__all__ = ["empty_storage"]

_MAX_FILES = 4
_BOUNDARY = "x-boundary-x"
_TYPE = f"multipart/form-data; boundary={_BOUNDARY}"

_hostile = [
    "../../etc/passwd",
    "..",
    "",
    "/",
    "a\0b.jpg",
    "a\r\nb.jpg",
    'a"b.jpg',
    "a\u202egpj.exe",
    "C:\\x\\y.png",
]
_names = st.text(max_size=40) | st.sampled_from([*_hostile, "é" * 300])
_fields = st.sampled_from(["images", "images", "images", "image", "other", "", "images\0"])


@dataclass(frozen=True)
class Part:
    field: str
    name: str | None
    content: bytes
    more_headers: bytes = b""

    def as_bytes(self) -> bytes:
        """The part as browsers send it (HTML, multipart/form-data encoding algorithm): three characters are escaped."""
        disposition_text = f'form-data; name="{_escaped(self.field)}"'
        if self.name is not None:
            disposition_text += f'; filename="{_escaped(self.name)}"'
        disposition = b"Content-Disposition: " + disposition_text.encode("utf-8", "surrogatepass") + b"\r\n"
        return (
            f"--{_BOUNDARY}\r\n".encode() + disposition + self.more_headers + b"\r\n" + self.content + b"\r\n"
        )


def _escaped(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


_odd_headers = st.sampled_from(
    [
        b"",
        b"Content-Type: image/jpeg\r\n",
        b"Content-Type: ; ; =\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Length: x\r\n",
        b"Content-Type: text/plain; charset=no-such\r\n",
        b"X: \xff\xfe\r\n",
    ]
)
_plain_parts = st.builds(Part, _fields, st.none() | _names, st.binary(max_size=60))
_odd_parts = st.builds(Part, _fields, st.none() | _names, st.binary(max_size=60), _odd_headers)


def _request(body: bytes, content_type: str = _TYPE) -> HttpRequest:
    return RequestFactory().generic("POST", "/api/async/upload", body, content_type)


def _spooled(settings: Any) -> list[Path]:
    return sorted(Path(settings.INCOMING_ROOT).iterdir())


def _outcome(request: HttpRequest, settings: Any) -> list[SpooledFile] | ApiError:
    """The result of parsing the request. In each case the spool must contain exactly the returned files."""
    files: list[SpooledFile] | ApiError
    try:
        files = spool_files(request, "images", max_files=_MAX_FILES)
    except ApiError as refusal:
        files = refusal
    if isinstance(files, ApiError):
        assert ERRORS[files.code].status < 500
        assert _spooled(settings) == []
        event(files.code)
        return files
    assert sorted(file.path for file in files) == _spooled(settings)
    assert [file.index for file in files] == list(range(len(files)))
    for file in files:
        assert file.path.stat().st_size == file.byte_size
        assert_clean(file.name)
        file.delete()
    event(f"{len(files)} files")
    return files


def assert_clean(name: str) -> None:
    """The name can be shown unchanged on one line, is no path, and can be stored in databases and JSON."""
    assert 1 <= len(name) <= 255
    assert not set("/\\\0\r\n") & set(name)
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in name)
    assert "\u202e" not in name
    name.encode()


@given(name=st.text(st.characters(codec=None, exclude_categories=()), max_size=400))
@search(400, 2000)
def test_cleaning_a_name_is_idempotent(name: str) -> None:
    assert_clean(clean_name(name))
    assert clean_name(clean_name(name)) == clean_name(name)


@given(parts=st.lists(_plain_parts, max_size=6))
@search(250, 100)
def test_valid_bodies_give_each_file_of_the_field_in_order(parts: list[Part], settings: Any) -> None:
    body = b"".join(part.as_bytes() for part in parts) + f"--{_BOUNDARY}--\r\n".encode()
    # A part without a file name is text. Browsers send an empty file name if no file was chosen.
    sent = [part.content for part in parts if part.field == "images" and part.name]
    found = _outcome(_request(body), settings)
    if isinstance(found, ApiError):
        assert found.code == ("too_many_files" if len(sent) > _MAX_FILES else "missing_field")
        assert len(sent) > _MAX_FILES or not sent
    else:
        assert [file.byte_size for file in found] == [len(content) for content in sent]


@given(
    parts=st.lists(_odd_parts, max_size=6),
    cut=st.none() | st.integers(0, 400),
    junk=st.none() | st.tuples(st.integers(0, 400), st.binary(max_size=12)),
    content_type=st.sampled_from(
        [
            _TYPE,
            _TYPE,
            _TYPE,
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=é",
            f"multipart/form-data; boundary={'b' * 300}",
            f"multipart/form-data; charset=no-such; boundary={_BOUNDARY}",
            f"multipart/mixed; boundary={_BOUNDARY}",
            "application/json",
            "",
        ]
    ),
)
@search(500, 100)
def test_broken_bodies_give_files_or_a_refusal_and_leave_no_spool_file(
    parts: list[Part],
    cut: int | None,
    junk: tuple[int, bytes] | None,
    content_type: str,
    settings: Any,
) -> None:
    body = b"".join(part.as_bytes() for part in parts) + f"--{_BOUNDARY}--\r\n".encode()
    if junk is not None:
        body = body[: junk[0]] + junk[1] + body[junk[0] :]
    _outcome(_request(body if cut is None else body[:cut], content_type), settings)


def test_a_body_truncated_in_a_file_is_rejected_and_leaves_no_spool_file(settings: Any) -> None:
    whole = Part("images", "a.jpg", b"first").as_bytes()
    cut = Part("images", "b.jpg", b"second" * 5).as_bytes()
    begins = len(whole) + cut.index(b"second")
    for end in range(begins, len(whole) + len(cut) - 2):
        with pytest.raises(ApiError, match="invalid_request"):
            spool_files(_request((whole + cut)[:end]), "images", max_files=_MAX_FILES)
        assert _spooled(settings) == []


def test_a_last_file_in_another_field_is_ignored(settings: Any) -> None:
    body = Part("images", "a.jpg", b"x").as_bytes() + Part("other", "b.jpg", b"y").as_bytes()
    found = spool_files(_request(body + f"--{_BOUNDARY}--\r\n".encode()), "images", max_files=_MAX_FILES)
    assert [file.byte_size for file in found] == [1]
    assert [file.path for file in found] == _spooled(settings)


def test_the_limit_of_files_is_exact(settings: Any) -> None:
    end = f"--{_BOUNDARY}--\r\n".encode()
    just = Part("images", "a.jpg", b"x").as_bytes() * _MAX_FILES
    assert len(spool_files(_request(just + end), "images", max_files=_MAX_FILES)) == _MAX_FILES
    for path in _spooled(settings):
        path.unlink()
    with pytest.raises(ApiError, match="too_many_files"):
        spool_files(
            _request(just + Part("images", "b.jpg", b"x").as_bytes() + end), "images", max_files=_MAX_FILES
        )
    assert _spooled(settings) == []
