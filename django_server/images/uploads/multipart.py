"""Spool the files of a multipart request: write each to `incoming/{id}`, and hash it (SHA-256) while it is written.

Uses Django's parser with its own upload handler, and its own rules for file names and file counts. Does not check file
content; `validation` does that. Called by the upload routes.
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

_MAX_NAME_LENGTH = 255
# Unicode bidirectional control characters. With one in its name, a file ending in `gpj.exe` can be displayed as ending
# in `exe.jpg`.
_BIDI_CONTROLS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class SpooledFile:
    """One file of a request, on disk at `path`, which is `incoming/{id}`. `index` is its position in the request.

    If `too_large` is true, only the beginning of the file was written and hashed; `byte_size` is still the full size.
    """

    index: int
    id: uuid.UUID
    name: str
    path: Path
    byte_size: int
    sha256: str
    too_large: bool

    def delete(self) -> None:
        """Delete the file from disk."""
        self.path.unlink(missing_ok=True)


def spool_files(request: HttpRequest, field_name: str, *, max_files: int) -> list[SpooledFile]:
    """Spool the files of the field `field_name`, in the request's order. Files in other fields are skipped.

    Raises ApiError: unsupported_media_type, invalid_request, too_many_files, missing_field, storage_unavailable. If it
    raises, all spooled files are deleted.
    """
    if not (request.content_type or "").startswith("multipart/form-data"):
        raise ApiError("unsupported_media_type")
    spool = _Spool(field_name, max_files)
    try:
        with storage_errors_as_api_error():
            text_fields, _ = _Parser(request.META, cast(Any, request), [spool], request.encoding).parse()
            if not spool.files:
                raise _missing_field(field_name, sent_as_text=field_name in text_fields)
    except (MultiPartParserError, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent) as error:
        spool.delete()
        raise ApiError("invalid_request", "The request's multipart body could not be read.") from error
    except BaseException:
        spool.delete()
        raise
    return spool.files


def clean_name(name: str) -> str:
    """The display name of a file: the last part of its path, without control and bidirectional control characters.

    At most 255 characters long, and never empty.
    """
    last_part = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    cleaned = "".join(
        char
        for char in last_part
        if unicodedata.category(char) not in ("Cc", "Cs") and char not in _BIDI_CONTROLS
    )
    return cleaned.strip()[:_MAX_NAME_LENGTH] or "unnamed"


class _Parser(MultiPartParser):
    def sanitize_file_name(self, file_name: str) -> str:
        # Django drops a file whose sanitized name is empty. `clean_name` returns "unnamed" instead of an empty name, so
        # that no file is dropped and `SpooledFile.index` is the file's position in the request.
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
            raise ApiError(
                "too_many_files", f"At most {self._max_files:,} files are accepted in one request."
            )
        file_id = uuid.uuid4()
        path = settings.INCOMING_ROOT / str(file_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open_file = _OpenFile(file_id, path, path.open("wb", buffering=0))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002
        open_file = self._open_file
        if open_file is None:
            return
        open_file.byte_size += len(raw_data)
        if open_file.byte_size <= settings.MAX_FILE_BYTES:
            open_file.file.write(raw_data)
            open_file.digest.update(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[bytes] | None":  # noqa: ARG002
        open_file = self._open_file
        if open_file is not None:
            self._open_file = None
            with open_file.file as file:
                sync_to_disk(cast(Any, file))
            self.files.append(
                SpooledFile(
                    index=len(self.files),
                    id=open_file.id,
                    name=self.file_name or "unnamed",
                    path=open_file.path,
                    byte_size=open_file.byte_size,
                    sha256=open_file.digest.hexdigest(),
                    too_large=open_file.byte_size > settings.MAX_FILE_BYTES,
                )
            )
        return None

    def upload_interrupted(self) -> None:
        # Django also calls this after a skipped file, when no file is open.
        if self._open_file is not None:
            raise MultiPartParserError("The request body ends in the middle of a part.")

    def delete(self) -> None:
        """Delete all spool files of the request."""
        if self._open_file is not None:
            self._open_file.file.close()
            self._open_file.path.unlink(missing_ok=True)
        for file in self.files:
            file.delete()


def _missing_field(field_name: str, *, sent_as_text: bool) -> ApiError:
    if sent_as_text:
        return ApiError(
            "missing_field", f"The field “{field_name}” was sent without a filename, so it is not a file."
        )
    return ApiError("missing_field", f"Send at least one file in the field “{field_name}”.")
