"""Which servers this process has started, oldest first: lets a unit test prove that it starts none.

Every starter of a server or of a site calls `record_start`.
"""

STARTED: list[str] = []


def record_start(command: str) -> None:
    """Note that a server was started with this command."""
    STARTED.append(command)
