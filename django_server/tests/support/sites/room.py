"""Makes a running site's storage full: fills its file system, or sets the kernel's limit on the size of files."""

import resource

from tests.support.sites.running_site import RunningSite


class Room:
    """The free space of a site's storage. After `take`, only a file of a few bytes fits; `give_back` undoes it."""

    def __init__(self, site: RunningSite) -> None:
        self._web_pid = site.process.child("uvicorn")
        self._filler = site.data_dir / "filler"
        self._own_file_system = site.data_dir.is_mount()

    def take(self) -> None:
        if self._own_file_system:
            with self._filler.open("wb", buffering=0) as file:
                for block in (2**20, 4096):
                    self._fill(file, block)
        else:
            self._limit_files(0)

    def give_back(self) -> None:
        self._filler.unlink(missing_ok=True)
        if not self._own_file_system:
            self._limit_files(resource.RLIM_INFINITY)

    @staticmethod
    def _fill(file: object, block: int) -> None:
        try:
            while True:
                file.write(bytes(block))  # type: ignore[attr-defined]
        except OSError:
            pass

    def _limit_files(self, max_bytes: int) -> None:
        _, hard = resource.prlimit(self._web_pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._web_pid, resource.RLIMIT_FSIZE, (max_bytes, hard))
