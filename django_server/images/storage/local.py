"""Files below MEDIA_ROOT: written and replaced atomically. Uploads are hard-linked from INCOMING_ROOT, without a copy.

A comment in each override of Django's FileSystemStorage says what Django's method does differently. Times are CPU time
per call, on one core of the development machine.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from django.core.files import File
from django.core.files.storage import FileSystemStorage

from filestore.local import LocalStore

_SAFE_IN_URLS = "/~!*()'"
_is_plain = re.compile(r"[A-Za-z0-9/_.-]*").fullmatch


class LocalStorage(FileSystemStorage):
    """A reader never sees a partial file. Saving under an existing name replaces the file."""

    moves_by_rename = True

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_overwrite=True, **options)

    @property
    def signs_urls(self) -> bool:
        return False

    @property
    def store(self) -> LocalStore:
        return LocalStore(Path(self.location))

    def check(self) -> None:
        Path(self.location).mkdir(parents=True, exist_ok=True)

    def store_spooled(self, files: Sequence[tuple[Path, str]]) -> None:
        for spooled, key in files:
            self.store.link(spooled, key)

    def move_to_key(self, path: Path, key: str) -> None:
        self.store.move_to_key(path, key)

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        # No copy is needed: files are only replaced as a whole, so an open file keeps its content.
        self.store.stat(key)
        yield self.store.path(key)

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        return self.store.writing(key)

    def url(self, name: str | None) -> str:
        # Takes 1.1 µs; Django's method takes 9.7 µs because of urljoin. A page of 100 images has 400 URLs: 3.4 ms less.
        key = name or ""
        return f"{self.base_url}{key if _is_plain(key) else quote(key, safe=_SAFE_IN_URLS)}"

    def delete(self, name: str) -> None:
        # Django's method also deletes an empty folder of that name, and raises if a parent of the key is a file.
        self.store.delete(name)

    def _save(self, name: str, content: "File[bytes]") -> str:
        # Django's method writes to the final name: readers could see a partial file, and a crash would leave it there.
        with self.store.writing(name) as file:
            for chunk in content.chunks():
                file.write(chunk)
        return name
