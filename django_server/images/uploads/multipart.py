"""Spool the files of a multipart request: write each to `incoming/{id}`, and hash it (SHA-256) while it is written.

Uses Django's parser, but has its own upload handler and its own rules for file names and file counts. Does not look at
the content of files, which `validation` does. Called by the upload routes.
"""

import hashlib
import unicodedata
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from images.error_codes import ApiError
from images.storage import storage_errors_as_api_error, sync_to_disk

_NAME_LENGTH = 255
# These characters change the direction of text, so that `gpj.exe` can be displayed as `exe.jpg`.
_DIRECTION_MARKS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class SpooledFile:
    """One file of a request, on disk at `path`, which is `incoming/{id}`. `index` is its position in the request.

    If it is `too_large`, the file at `path` and `sha256` cover only its beginning, but `byte_size` counts all bytes.
    """

    index: int
    id: uuid.UUID
    name: str
    path: Path
    byte_size: int
    sha256: str
    too_large: bool

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


def spool_files(request: HttpRequest, field_name: str, *, max_files: int) -> list[SpooledFile]:
    """Spool the files of the field `field_name`, in the request's order. Files in other fields are skipped.

    Raises ApiError: unsupported_media_type, invalid_request, too_many_files, missing_field, storage_unavailable. After
    any exception, no spool file is left.
    """
    if not (request.content_type or "").startswith("multipart/form-data"):
        raise ApiError("unsupported_media_type")
    spool = _Spool(field_name, max_files)
    try:
        with storage_errors_as_api_error():
            post, _ = _Parser(request.META, cast(Any, request), [spool], request.encoding).parse()
            if not spool.files:
                raise _missing_field(field_name, sent_as_text=field_name in post)
    except (MultiPartParserError, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as error:
        spool.discard()
        raise ApiError("invalid_request", "The request's multipart body could not be read.") from error
    except BaseException:
        spool.discard()
        raise
    return spool.files


def clean_name(name: str) -> str:
    """The display name of a file: the last part of its path, without control characters and direction marks.

    At most 255 characters long.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join(
        char
        for char in last
        if unicodedata.category(char) not in ("Cc", "Cs") and char not in _DIRECTION_MARKS
    )
    return shown.strip()[:_NAME_LENGTH] or "unnamed"


class _Parser(MultiPartParser):
    def sanitize_file_name(self, file_name: str) -> str:
        # Django drops a file whose sanitized name is empty. `SpooledFile.index` would then differ from the position of
        # the file in the request.
        return clean_name(file_name)


@dataclass
class _OpenFile:
    id: uuid.UUID
    path: Path
    file: IO[bytes]
    digest: Any = field(default_factory=hashlib.sha256)
    byte_size: int = 0


class _Spool(FileUploadHandler):
    """A Django upload handler that spools each file of one field."""

    def __init__(self, field_name: str, max_files: int) -> None:
        super().__init__()
        self.files: list[SpooledFile] = []
        self._field_name = field_name
        self._max_files = max_files
        self._open_file: _OpenFile | None = None

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, *args, **kwargs)
        if field_name != self._field_name:
            raise SkipFile
        if len(self.files) == self._max_files:
            raise ApiError("too_many_files", f"At most {self._max_files:,} files are accepted in one request.")
        file_id = uuid.uuid4()
        path = settings.INCOMING_ROOT / str(file_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open_file = _OpenFile(file_id, path, path.open("wb", buffering=0))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002
        spooled = self._open_file
        if spooled is None:
            return
        spooled.byte_size += len(raw_data)
        if spooled.byte_size <= settings.MAX_FILE_BYTES:
            spooled.file.write(raw_data)
            spooled.digest.update(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[bytes] | None":  # noqa: ARG002
        spooled = self._open_file
        if spooled is not None:
            self._open_file = None
            with spooled.file as file:
                sync_to_disk(cast(Any, file))
            self.files.append(
                SpooledFile(
                    index=len(self.files),
                    id=spooled.id,
                    name=self.file_name or "unnamed",
                    path=spooled.path,
                    byte_size=spooled.byte_size,
                    sha256=spooled.digest.hexdigest(),
                    too_large=spooled.byte_size > settings.MAX_FILE_BYTES,
                )
            )
        return None

    def upload_interrupted(self) -> None:
        # Django also calls this after a skipped file, when no file is open.
        if self._open_file is not None:
            raise MultiPartParserError("The body ends before its last part does.")

    def discard(self) -> None:
        """Delete all spool files of the request."""
        if self._open_file is not None:
            self._open_file.file.close()
            self._open_file.path.unlink(missing_ok=True)
        for spooled in self.files:
            spooled.discard()


def _missing_field(field_name: str, *, sent_as_text: bool) -> ApiError:
    if sent_as_text:
        return ApiError(
            "missing_field", f"The field “{field_name}” was sent as text, not as a file with a name."
        )
    return ApiError("missing_field", f"Send at least one file in the field “{field_name}”.")
