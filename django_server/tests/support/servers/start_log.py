"""The servers that this process has started, oldest first: shows that unit tests start none.

Every starter of a server or of a site calls `record_start`.
"""

STARTED: list[str] = []


def record_start(command: str) -> None:
    """Note that a server was started with this command."""
    STARTED.append(command)
