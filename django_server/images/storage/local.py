"""Files below MEDIA_ROOT: atomic, overwriting, and able to take a spooled file over without a copy."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from django.core.files import File
from django.core.files.storage import FileSystemStorage

from filestore.local import LocalStore

_SAFE_IN_URLS = "/~!*()'"
_is_plain = re.compile(r"[A-Za-z0-9/_.-]*").fullmatch


class LocalStorage(FileSystemStorage):
    """A reader never sees half a file; saving under a taken name replaces like with like."""

    places_by_rename = True

    @property
    def signs_urls(self) -> bool:
        return False

    @property
    def store(self) -> LocalStore:
        return LocalStore(Path(self.location))

    def ask(self) -> None:
        Path(self.location).mkdir(parents=True, exist_ok=True)

    def take(self, files: Sequence[tuple[Path, str]]) -> None:
        for spooled, key in files:
            self.store.link(spooled, key)

    def place(self, path: Path, key: str) -> None:
        self.store.adopt(path, key)

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        # No copy: what is written is replaced whole, so that an open file stays what it was.
        self.store.stat(key)
        yield self.store.path(key)

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        return self.store.writing(key)

    def url(self, name: str | None) -> str:
        # As Django's own, at a tenth of its time: four of these are made for each image of a list.
        key = name or ""
        return f"{self.base_url}{key if _is_plain(key) else quote(key, safe=_SAFE_IN_URLS)}"

    def delete(self, name: str) -> None:
        self.store.delete(name)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:  # noqa: ARG002
        return name

    def _save(self, name: str, content: "File[bytes]") -> str:
        with self.store.writing(name) as file:
            for chunk in content.chunks():
                file.write(chunk)
        return name
