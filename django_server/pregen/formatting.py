"""Format numbers and names for people. Pure. Used by reports, logs and progress."""

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def size_text(byte_size: float) -> str:
    """`512 B`, `1.0 MB`: steps of 1,024."""
    value = float(byte_size)
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def duration_text(seconds: float) -> str:
    """`30.0 seconds`, `1.5 minutes`, `1.0 hours`."""
    if seconds < 60:
        return f"{seconds:.1f} seconds"
    if seconds < 3600:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 3600:.1f} hours"


def share_text(part: int, whole: int) -> str:
    """`96.5%`; `0.0%` if `whole` is 0."""
    return f"{100 * part / whole if whole else 0.0:.1f}%"


def printable(name: str) -> str:
    """The name on one line: line breaks and other control characters are escaped."""
    if name.isprintable():
        return name
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in name
    )
